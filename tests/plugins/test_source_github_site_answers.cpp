#include "support/github_source.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace deployer;
using namespace deployer::github_source;
using namespace std::chrono_literals;

TEST_CASE("what a web server says of one file decides what becomes of it") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}, {"b.service", {"b"}}});
    struct Case {
        GithubFault fault;
        ErrorKind kind;
        bool ends_cycle;
        std::string fragment;
    };
    const auto unavailable = ErrorKind::unavailable;
    const auto rejected = ErrorKind::rejected;
    const std::vector<Case> cases{
        {{.status = 404}, ErrorKind::not_found, false, "a.service: answered 404, \"a fault\""},
        {{.status = 410}, ErrorKind::not_found, false, "answered 410"},
        {{.status = 401}, rejected, false, "answered 401"},
        {{.status = 403}, rejected, false, "answered 403"},
        {{.status = 400}, rejected, false, "answered 400"},
        {{.status = 451}, rejected, false, "answered 451"},
        {{.status = 302, .headers = {{"Location", "ftp://example.org/"}}}, rejected, false, "redirected to"},
        {{.status = 408}, unavailable, true, "answered 408"},
        {{.status = 500}, unavailable, true, "a.service: answered 500"},
        {{.status = 503}, unavailable, true, "503"},
        {{.status = 206}, unavailable, true, "answered 206"},
        {{.status = 304}, unavailable, true, "answered 304"},
        {{.drop = true}, unavailable, true, "GET " + github.root_uri() + "a.service: "},
        {{.cut_after = 0}, unavailable, true, "cut short"},
        {{.cut_after = 0, .framing = HttpReply::Framing::chunked}, unavailable, true, "cut short"},
        {{.framing = HttpReply::Framing::until_close}, unavailable, true, "whole"},
    };
    for (const auto& [fault, kind, ends_cycle, fragment] : cases) {
        INFO(fragment);
        github.set_fault(fault_at("raw a.service", fault));
        github.forget_requests();
        const auto source = site_of(github);
        const auto now = checkout(*source);
        read_one(*now, "services.yaml");
        TestCall call(400ms);
        std::vector<File> files;
        if (ends_cycle) {
            const auto error = thrown_by([&] { read(*now, {"a.service", "b.service"}, call); });
            CHECK(error.kind() == kind);
            CHECK(says(error, fragment));
        } else {
            files = read(*now, {"a.service", "b.service"}, call);
            CHECK(refuses(files[0], kind, fragment));
            CHECK(files[1].content == "b");
        }
        github.set_fault({});
        const auto next = checkout(*source);
        read_one(*next, "services.yaml");
        CHECK(read(*next, {"a.service", "b.service"})[0].content == "a");
    }
}

TEST_CASE("what is wrong with services.yaml is said where it is read") {
    GithubDouble github;
    github.commit({{"a.service", {"a"}}});
    const auto source = site_of(github);
    const auto now = checkout(*source);
    CHECK(refuses(read_one(*now, "services.yaml"), ErrorKind::not_found, "services.yaml: answered 404"));
    CHECK(checkout(*source, now->revision()) == nullptr);
    github.put("services.yaml", "x");
    CHECK(read_one(*checkout(*source, now->revision()), "services.yaml").content == "x");

    github.set_fault(fault_at("raw", {.status = 500}));
    TestCall call;
    CHECK(thrown_by([&] { source->checkout({}, call); }).kind() == ErrorKind::unavailable);
}

TEST_CASE("a web server that wants silence gets it") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}});
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service"});
    github.set_fault(fault_at("raw", {.status = 429, .headers = {{"Retry-After", "90"}}}));
    TestCall call(1s);
    const auto error = thrown_by([&] { source->checkout(at, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "answered 429"));
    CHECK(says(error, "no request is sent before 20"));
    REQUIRE(error.retry_after());
    CHECK(*error.retry_after() > 80s);
    github.set_fault({});
    github.forget_requests();
    CHECK(thrown_by([&] { source->checkout(at, call); }).retry_after());
    CHECK(github.requests().empty());
}

TEST_CASE("a web server that answers 429 is not asked for the rest of the files") {
    GithubDouble github;
    GithubTree tree{{"services.yaml", {"x"}}};
    Locations locations;
    for (int number = 0; number < 200; ++number) {
        locations.push_back(std::to_string(number) + ".service");
        tree[locations.back()] = {"x"};
    }
    github.commit(tree);
    const auto source = site_of(github);
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    github.forget_requests();
    // The same holds when the first file fails for another reason.
    const bool one_fails = GENERATE(false, true);
    github.set_fault([&](const GithubRequest& request) {
        if (one_fails && request.line == "raw 0.service") return GithubFault{.status = 500};
        return GithubFault{.status = 429};
    });
    const auto error = thrown_by([&] { read(*now, locations); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "answered 429, \"a fault\": too many requests, so no request is sent before 20"));
    REQUIRE(error.retry_after());
    CHECK(*error.retry_after() == 60s);
    // 16 requests run at once, and one more replaces the request that failed.
    CHECK(github.requests().size() <= (one_fails ? 17U : 16U));
    github.set_fault({});
    github.forget_requests();
    TestCall call;
    CHECK(thrown_by([&] { source->checkout({}, call); }).retry_after());
    CHECK(github.requests().empty());
}

TEST_CASE("names are percent-encoded in urls, and all files are asked for side by side") {
    GithubDouble github({.latency = 50ms});
    GithubTree tree{{"services.yaml", {"x"}}, {"units/größe @.service?x#y%20", {"odd"}}};
    Locations locations{"units/größe @.service?x#y%20"};
    for (int number = 0; number < 15; ++number) {
        locations.push_back(std::to_string(number));
        tree[locations.back()] = {"n"};
    }
    github.commit(tree);
    const auto source = site_of(github);
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    CHECK(read(*now, locations)[0].content == "odd");
    CHECK(github.raw().most_at_once() >= 8);
    const auto requests = github.raw().requests();
    CHECK(std::any_of(requests.begin(), requests.end(), [](const auto& request) {
        return request.target == "/octo/config/main/units/gr%C3%B6%C3%9Fe%20%40.service%3Fx%23y%2520";
    }));
}

TEST_CASE("a missing slash at the end of a root is added") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    auto root = github.root_uri();
    root.pop_back();
    CHECK(read_one(*checkout(*load_source("source-github", "allow_http: true\nroot_uri: " + root + "\n")),
                   "services.yaml")
              .content == "x");
}
