#include "support/github_source.hpp"

#include <cstddef>
#include <optional>
#include <string>

using namespace deployer;
using namespace deployer::github_source;

// --- any web server

TEST_CASE("a folder of a web server is read file by file") {
    GithubDouble github;
    github.commit({{"services.yaml", {"services"}}, {"units/a.service", {"a"}}, {"b.service", {"b"}}});
    const auto source = site_of(github);
    const auto now = checkout(*source);
    CHECK(github.requests().size() == 1);
    CHECK(read_one(*now, "services.yaml").content == "services");
    CHECK(github.requests().size() == 1);
    const auto files = read(*now, {"units/a.service", "c.service", "b.service", "units/a.service"});
    CHECK(files[0].content == "a");
    CHECK(refuses(files[1], ErrorKind::not_found, "GET " + github.root_uri() + "c.service: answered 404"));
    CHECK(files[2].content == "b");
    CHECK(files[3].content == "a");
    // services.yaml, three files, and all four again to check that none changed meanwhile.
    CHECK(github.requests().size() == 1 + 3 + 4);
    // No query in the url makes a cache fetch the file again.
    for (const auto& request : github.raw().requests()) CHECK(request.target.find('?') == std::string::npos);
    CHECK(read(*now, {}).empty());
}

TEST_CASE("an idle cycle asks a web server for each file once, conditionally") {
    const bool etags = GENERATE(true, false);
    const bool times = GENERATE(true, false);
    if (!etags && !times) return;
    GithubDouble github({.etags = etags, .last_modified = times});
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}, {"b.service", {"b"}}});
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service", "b.service"});
    github.forget_requests();
    for (int cycle = 0; cycle < 3; ++cycle) CHECK(checkout(*source, at) == nullptr);
    const auto requests = github.requests();
    CHECK(requests.size() == 9);
    for (const auto& request : requests) {
        CHECK(request.conditional);
        CHECK(request.status == 304);
    }
    // A reader without a known revision gets the same answer with as few requests.
    github.forget_requests();
    CHECK(read_all(*source, {"a.service", "b.service"}) == at);
    CHECK(github.count("raw", 304) == 3);
    CHECK(github.requests().size() == 3);
}

TEST_CASE("without validators a web server is asked for everything, and nothing has changed all the same") {
    GithubDouble github({.etags = false});
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}});
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service"});
    github.forget_requests();
    CHECK(checkout(*source, at) == nullptr);
    CHECK(github.count("raw", 200) == 2);
}

TEST_CASE("a time within the second that a file was changed in is no proof that it did not change again") {
    GithubDouble github({.etags = false});
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}});
    std::string modified = "Tue, 06 Jan 2026 10:00:00 GMT";
    std::string date = modified;
    github.set_fault([&](const GithubRequest&) {
        return GithubFault{.headers = {{"Last-Modified", modified}, {"Date", date}}};
    });
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service"});
    github.forget_requests();
    CHECK(checkout(*source, at) == nullptr);
    for (const auto& request : github.requests()) CHECK_FALSE(request.conditional);
    for (const auto* next : {"Tue, 06 Jan 2026 10:00:01 GMT", "Tue, 06 Jan 2026 10:00:02 GMT"}) {
        date = next;
        github.forget_requests();
        CHECK(checkout(*source, at) == nullptr);
        for (const auto& request : github.requests()) CHECK_FALSE(request.conditional);
    }
    github.forget_requests();
    CHECK(checkout(*source, at) == nullptr);
    for (const auto& request : github.requests()) CHECK(request.conditional);
}

TEST_CASE("the revision of a folder tells what was read, and nothing else") {
    GithubDouble github;
    GithubDouble other({.etags = false, .last_modified = true});
    const GithubTree tree{{"services.yaml", {"x"}}, {"a.service", {"a"}}, {"b.service", {"b"}}, {"unread", {"u"}}};
    github.commit(tree);
    other.commit(tree);
    const Locations locations{"b.service", "a.service", "none.service"};
    const auto source = site_of(github);
    const auto first = read_all(*source, locations);
    CHECK(first.id.starts_with("sha256:"));
    CHECK(first.id.size() == 7 + 64);
    CHECK(read_all(*site_of(other), {"none.service", "a.service", "b.service", "a.service"}) == first);
    github.put("unread", "v");
    CHECK(checkout(*source, first) == nullptr);

    SECTION("another content") {
        github.put("a.service", "aa");
    }
    SECTION("another services.yaml") {
        github.put("services.yaml", "y");
    }
    SECTION("a file that is gone") {
        github.remove("a.service");
    }
    SECTION("a file that has come") {
        github.put("none.service", "");
    }
    SECTION("contents that changed places") {
        github.put("a.service", "b");
        github.put("b.service", "a");
    }
    const auto second = read_all(*source, locations, first);
    CHECK(second != first);
    CHECK(checkout(*source, second) == nullptr);
    CHECK(read_all(*site_of(github), locations) == second);

    github.commit(tree);
    CHECK(checkout(*source, first) == nullptr);
}

TEST_CASE("a change of one file brings that file alone") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}, {"b.service", {"b"}}});
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service", "b.service"});
    github.put("a.service", "aa");
    github.forget_requests();
    const auto now = checkout(*source, at);
    REQUIRE(now);
    CHECK(read_one(*now, "services.yaml").content == "x");
    const auto files = read(*now, {"a.service", "b.service"});
    CHECK(files[0].content == "aa");
    CHECK(files[1].content == "b");
    CHECK(github.count("raw", 200) == 1);
    CHECK(github.count("raw", 304) == 5);
    CHECK(now->revision() == read_all(*site_of(github), {"a.service", "b.service"}));
}

TEST_CASE("files that are wanted no more are asked for no more") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}, {"b.service", {"b"}}});
    const auto source = site_of(github);
    auto at = read_all(*source, {"a.service", "b.service"});
    github.put("services.yaml", "y");
    at = read_all(*source, {"b.service"}, at);
    github.forget_requests();
    CHECK(checkout(*source, at) == nullptr);
    CHECK(github.count("raw") == 2);
    CHECK(github.count("raw a.service") == 0);
    github.put("services.yaml", "z");
    at = read_all(*source, {}, at);
    github.forget_requests();
    CHECK(checkout(*source, at) == nullptr);
    CHECK(lines_of(github) == Locations{"raw services.yaml 304"});
}

TEST_CASE("a services.yaml that cannot be used for a while does not cost the other files") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}});
    const auto source = site_of(github);
    const auto at = read_all(*source, {"a.service"});
    github.put("services.yaml", "not valid");
    read_one(*checkout(*source, at), "services.yaml");
    github.put("services.yaml", "x");
    github.forget_requests();
    CHECK(read_all(*source, {"a.service"}, at) == at);
    CHECK(github.count("raw a.service", 200) == 0);
    CHECK(github.count("raw services.yaml", 200) == 1);
}

TEST_CASE("[R17] a set of files that changes while it is read is read again") {
    GithubDouble github;
    const GithubTree one{{"services.yaml", {"x"}}, {"a.service", {"1"}}, {"b.service", {"1"}}, {"c.service", {"1"}}};
    auto two = one;
    for (const auto* name : {"a.service", "b.service", "c.service"}) two[name].content = "2";
    const Locations locations{"a.service", "b.service", "c.service"};
    const std::string line =
        "raw " + GENERATE(as<std::string>{}, "a.service", "b.service", "c.service", "services.yaml");
    const auto nth = GENERATE(as<std::size_t>{}, 1, 2, 3);
    const bool from_memory = GENERATE(false, true);
    github.commit(one);
    const auto source = site_of(github);
    if (from_memory) {
        auto zero = one;
        for (const auto& name : locations) zero[name].content = "0";
        github.commit(zero);
        read_all(*source, locations);
        github.commit(one);
        github.forget_requests();
    }
    github.set_fault(event_at(line, nth, [&] { github.commit(two); }));
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    const auto files = read(*now, locations);
    CHECK(files[0].content == files[1].content);
    CHECK(files[0].content == files[2].content);
    CHECK(now->revision() != Revision{});
    // A change after these reads shows at the next checkout.
    github.set_fault({});
    github.commit(two);
    const auto next = checkout(*source, now->revision());
    CHECK((next == nullptr) == (files[0].content == "2"));
}

TEST_CASE("[R17] a services.yaml that changes while its files are read ends the cycle, and the next one is right") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"a"}}});
    const auto source = site_of(github);
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    github.put("services.yaml", "y");
    const auto error = thrown_by([&] { read(*now, {"a.service"}); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "services.yaml changed while the files were read"));

    const auto next = checkout(*source);
    CHECK(read_one(*next, "services.yaml").content == "y");
    CHECK(read_one(*next, "a.service").content == "a");
    CHECK(checkout(*source, next->revision()) == nullptr);
}

TEST_CASE("files that never stop changing end the cycle") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}, {"a.service", {"0"}}});
    const auto source = site_of(github);
    int version = 0;
    github.set_fault([&](const GithubRequest& request) {
        if (request.line == "raw a.service") github.put("a.service", std::to_string(++version));
        return std::optional<GithubFault>();
    });
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    const auto error = thrown_by([&] { read(*now, {"a.service"}); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "the files keep changing while they are read"));
    CHECK(github.count("raw a.service") == 6);
    github.set_fault({});
    CHECK(read_one(*checkout(*source), "a.service").content == std::to_string(version));
}
