#include "support/github_source.hpp"

#include <chrono>
#include <cstring>
#include <string>

using namespace deployer;
using namespace deployer::github_source;
using namespace std::chrono_literals;

// --- files elsewhere

TEST_CASE("absolute uris are fetched, each with its own memory") {
    GithubDouble github;
    GithubDouble elsewhere;
    github.commit({{"services.yaml", {"x"}}});
    elsewhere.commit({{"a.service", {"a"}}, {"b.service", {"b"}}});
    const auto uri = [&](const std::string& name) { return elsewhere.root_uri() + name; };
    const bool by_site = GENERATE(false, true);
    const auto source = by_site ? site_of(github) : repository_of(github);
    const Locations locations{uri("a.service"), "none", uri("none"), uri("b.service") + "?v=1", uri("a.service")};
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    const auto files = read(*now, locations);
    CHECK(files[0].content == "a");
    CHECK(files[1].error->kind() == ErrorKind::not_found);
    CHECK(refuses(files[2], ErrorKind::not_found, "GET " + uri("none") + ": answered 404"));
    CHECK(files[3].content == "b");
    CHECK(files[4].content == "a");
    CHECK(elsewhere.count("raw", 200) == 2);

    elsewhere.put("a.service", "aa");
    elsewhere.forget_requests();
    const auto next = checkout(*source);
    read_one(*next, "services.yaml");
    CHECK(read(*next, locations)[0].content == "aa");
    CHECK(elsewhere.count("raw a.service", 200) == 1);
    CHECK(elsewhere.count("raw b.service", 304) == 1);
    // A commit id does not cover files of other servers; the revision of a web folder covers all files that were read.
    CHECK((next->revision() == now->revision()) == !by_site);
    if (by_site) CHECK(checkout(*source, next->revision()) == nullptr);
}

TEST_CASE("what is wrong with a server elsewhere concerns its files alone") {
    GithubDouble github;
    GithubDouble elsewhere;
    github.commit({{"services.yaml", {"x"}}, {"b.service", {"b"}}});
    elsewhere.commit({{"a.service", {"a"}}});
    const auto away = elsewhere.root_uri() + "a.service";
    const bool by_site = GENERATE(false, true);
    struct Case {
        GithubFault fault;
        ErrorKind kind;
    };
    const auto [fault, kind] = GENERATE(values<Case>({{{.drop = true}, ErrorKind::unavailable},
                                                      {{.status = 500}, ErrorKind::unavailable},
                                                      {{.cut_after = 0}, ErrorKind::unavailable},
                                                      {{.status = 429}, ErrorKind::unavailable},
                                                      {{.delay = 60s}, ErrorKind::unavailable},
                                                      {{.status = 404}, ErrorKind::not_found},
                                                      {{.status = 401}, ErrorKind::unavailable},
                                                      {{.status = 403}, ErrorKind::unavailable}}));
    elsewhere.set_fault(fault_at("raw", fault));
    const auto source = by_site ? site_of(github) : repository_of(github);
    const auto now = checkout(*source);
    read_one(*now, "services.yaml");
    TestCall call(3s);
    const auto files = read(*now, {away, "b.service"}, call);
    REQUIRE(files[0].error);
    CHECK(files[0].error->kind() == kind);
    CHECK(files[1].content == "b");
    // The failed file did not use up the time of the call.
    CHECK(static_cast<const Call&>(call).remaining() > 1s);
    elsewhere.set_fault({});
    const auto next = checkout(*source);
    read_one(*next, "services.yaml");
    CHECK(read(*next, {away, "b.service"})[0].content == "a");
}

TEST_CASE("[R17] a service whose file elsewhere is refused is held until it is given, at the same commit") {
    GithubDouble github;
    GithubDouble elsewhere;
    elsewhere.commit({{"a.service", {"[Service]\nExecStart=/bin/a\n"}}});
    github.commit(
        {{"services.yaml", {"services:\n- name: a.service\n  uri: " + elsewhere.root_uri() + "a.service\n"}}});
    const auto source = repository_of(github);
    const auto fault = GENERATE(GithubFault{.status = 403}, GithubFault{.status = 401}, GithubFault{.status = 404},
                                GithubFault{.status = 451}, GithubFault{.body = std::string((16U << 20U) + 1, 'x')});
    elsewhere.set_fault(fault_at("raw", fault));
    TestCall call;
    const auto refused = read_wanted(*checkout(*source), call);
    REQUIRE(refused.held.size() == 1);
    CHECK(refused.held.front().passing);
    CHECK(refused.units.empty());
    elsewhere.set_fault({});
    const auto given = read_wanted(*checkout(*source), call);
    CHECK(given.held.empty());
    CHECK(given.units.size() == 1);
    CHECK(given.revision == refused.revision);
    CHECK(github.count("codeload") == 1);

    // A file that the settings forbid is held for good, not until a later try.
    const auto strict = repository_of(github, "allowed_hosts: ['" + github.codeload().url("").substr(7) + "']\n");
    const auto held = read_wanted(*checkout(*strict), call).held;
    REQUIRE(held.size() == 1);
    CHECK_FALSE(held.front().passing);
}

TEST_CASE("allowed hosts limit absolute uris and redirects, but not the source itself") {
    GithubDouble github;
    GithubDouble elsewhere;
    github.commit({{"services.yaml", {"x"}}, {"here.service", {"h"}}});
    elsewhere.commit({{"a.service", {"a"}}});
    const auto host = elsewhere.root_uri().substr(7, elsewhere.root_uri().find('/', 7) - 7);
    const auto away = elsewhere.root_uri() + "a.service";
    const auto home = github.root_uri() + "here.service";

    const auto source = site_of(github, "allowed_hosts: ['" + host + "']\n");
    auto now = checkout(*source);
    CHECK(read_one(*now, "services.yaml").content == "x");
    auto files = read(*now, {"here.service", away, home});
    CHECK(files[0].content == "h");
    CHECK(files[1].content == "a");
    CHECK(refuses(files[2], ErrorKind::rejected, "not one of the allowed hosts"));

    github.set_fault(fault_at("raw here", {.status = 302, .headers = {{"Location", "http://127.0.0.2:9/x"}}}));
    now = checkout(*source);
    read_one(*now, "services.yaml");
    CHECK(refuses(read_one(*now, "here.service"), ErrorKind::rejected, "not one of the allowed hosts"));

    // The host that an API redirects archive downloads to must be allowed too. Only GitHub's own archive host is
    // allowed without a setting.
    TestCall call;
    const auto error = thrown_by([&] { repository_of(github, "allowed_hosts: [example.org]\n")->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "not one of the allowed hosts"));
    const auto codeload = github.codeload().url("").substr(7);
    CHECK(checkout(*repository_of(github, "allowed_hosts: ['" + codeload + "']\n")) != nullptr);
}

TEST_CASE("without allow_http nothing is asked for by http") {
    const TlsFiles tls;
    const TempDir files;
    files.write("root/services.yaml", "x");
    GithubDouble elsewhere;
    elsewhere.commit({{"a.service", {"a"}}});
    const Nginx nginx(tls, "root " + files.path("root").string() + ";");
    const auto source =
        load_source("source-github", "root_uri: " + nginx.url() + "\nca_file: " + tls.ca().string() + "\n");
    const auto now = checkout(*source);
    CHECK(read_one(*now, "services.yaml").content == "x");
    CHECK(refuses(read_one(*now, elsewhere.root_uri() + "a.service"), ErrorKind::rejected, "http is not allowed"));
    CHECK(elsewhere.requests().empty());
}
