#include "support/github_source.hpp"

#include <chrono>
#include <cstring>
#include <string>
#include <string_view>

using namespace deployer;
using namespace deployer::github_source;
using namespace std::chrono_literals;

// --- a repository

TEST_CASE("a repository is read at the commit that its ref is at") {
    GithubDouble github;
    const auto first = github.commit({{"services.yaml", {"one"}}, {"units/a.service", {"a"}}});
    const auto source = repository_of(github);
    const auto one = checkout(*source);
    CHECK(one->revision().id == first);
    const auto second = github.put("services.yaml", "two");
    const auto two = checkout(*source, one->revision());
    REQUIRE(two != nullptr);
    CHECK(two->revision().id == second);
    CHECK(read_one(*two, "services.yaml").content == "two");
    // The first checkout still has its own content.
    CHECK(read_one(*one, "services.yaml").content == "one");
    const auto files = read(*two, {"units/a.service", "b.service", "./units//a.service", "services.yaml"});
    REQUIRE(files.size() == 4);
    CHECK(files[0].content == "a");
    CHECK(refuses(files[1], ErrorKind::not_found, "there is no \"b.service\""));
    CHECK(files[2].content == "a");
    CHECK(files[3].content == "two");
    CHECK(read(*two, {}).empty());
}

TEST_CASE("an idle cycle asks GitHub once, and GitHub does not count that where there is a token") {
    GithubDouble github({.token = "ghp_secret"});
    const Revision at{github.commit({{"services.yaml", {"x"}}})};
    const auto source = repository_of(github, "token: ghp_secret\n");
    CHECK(checkout(*source) != nullptr);
    github.forget_requests();
    github.limit(1, std::chrono::system_clock::now() + 1h);
    TestCall call;
    for (int cycle = 0; cycle < 3; ++cycle) CHECK(source->checkout(at, call) == nullptr);
    CHECK(lines_of(github) == Locations(3, "api commits/HEAD 304"));
    CHECK(call.log().lines().empty());
}

TEST_CASE("without a token every cycle counts, and that is said once") {
    GithubDouble github;
    const Revision at{github.commit({{"services.yaml", {"x"}}})};
    const auto source = repository_of(github);
    CHECK(checkout(*source) != nullptr);
    github.limit(2, std::chrono::system_clock::now() + 1h);
    TestCall call;
    for (int cycle = 0; cycle < 2; ++cycle) CHECK(source->checkout(at, call) == nullptr);
    CHECK(call.log().lines() == Locations{"warning: without a token " + github.api_url() +
                                          " allows 60 requests an hour, and every cycle is at least one: set "
                                          "token_file, or an interval of 5m or more"});
    CHECK(thrown_by([&] { source->checkout(at, call); }).retry_after());
}

TEST_CASE("a new commit costs three requests, however many files there are") {
    GithubDouble github;
    GithubTree tree{{"services.yaml", {"x"}}};
    Locations locations;
    for (int number = 0; number < 300; ++number) {
        locations.push_back("units/" + std::to_string(number) + ".service");
        tree[locations.back()] = {"x"};
    }
    github.commit(tree);
    const auto source = repository_of(github);
    const auto first = read_all(*source, locations);
    const auto second = github.put("units/7.service", "y");
    github.forget_requests();
    CHECK(read_all(*source, locations, first).id == second);
    CHECK(lines_of(github) == Locations{"api commits/HEAD 200", "api tarball/" + second + " 302",
                                        "codeload legacy.tar.gz/" + second + " 200"});
}

TEST_CASE("a commit that is known from before the start is not downloaded, nor is one twice") {
    GithubDouble github;
    const Revision at{github.commit({{"services.yaml", {"x"}}})};
    const auto source = repository_of(github);
    CHECK(checkout(*source, at) == nullptr);
    CHECK(lines_of(github) == Locations{"api commits/HEAD 200"});
    CHECK(checkout(*source) != nullptr);
    CHECK(checkout(*source, {"another"}) != nullptr);
    CHECK(read_one(*checkout(*source), "services.yaml").content == "x");
    CHECK(github.count("codeload") == 1);
    CHECK(github.count("api commits", 304) == 3);
}

TEST_CASE("a server without ETags is asked all the same") {
    GithubDouble github({.etags = false});
    const Revision at{github.commit({{"services.yaml", {"x"}}})};
    const auto source = repository_of(github);
    CHECK(checkout(*source) != nullptr);
    CHECK(checkout(*source, at) == nullptr);
    CHECK(github.count("api commits", 200) == 2);
    CHECK(github.count("codeload") == 1);
}

TEST_CASE("a ref is a branch, a tag, a commit, or the default branch") {
    GithubDouble github;
    const auto main = github.commit({{"services.yaml", {"main"}}});
    const auto branch = github.commit({{"services.yaml", {"branch"}}}, "feature/ä#b%20c");
    github.point("1.10", main);
    const auto read_at = [&](const std::string& more) {
        return read_one(*checkout(*repository_of(github, more)), "services.yaml").content;
    };
    CHECK(read_at("") == "main");
    CHECK(read_at("ref: feature/ä#b%20c\n") == "branch");
    CHECK(github.api().requests().back().target == "/repos/octo/config/tarball/" + branch);
    CHECK(read_at("ref: 1.10\n") == "main");
    CHECK(read_at("ref: " + branch + "\n") == "branch");
}

TEST_CASE("a GitHub Enterprise's API is below a path") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const auto source = load_source(
        "source-github", "repository: octo/config\nallow_http: true\napi_url: " + github.api_url() + "/api/v3/\n");
    CHECK(checkout(*source)->revision().id == at);
    CHECK(github.api().requests().front().target == "/api/v3/repos/octo/config/commits/HEAD");
}

TEST_CASE("a path makes a folder of the repository the root") {
    GithubDouble github;
    github.commit({{"services.yaml", {"outer"}},
                   {"deploy/prod/services.yaml", {"inner"}},
                   {"deploy/prod/out.service", {"../../services.yaml", true}},
                   {"deploy/prod/in.service", {"../prod/services.yaml", true}},
                   {"deploy/product/services.yaml", {"another"}},
                   {"current", {"deploy/next", true}},
                   {"deploy/next", {"prod", true}},
                   {"loop", {"loop", true}},
                   {"away", {"../..", true}}});
    for (const auto* path : {"deploy/prod", "/deploy//prod/", "./deploy/prod", "current", "deploy/next"}) {
        INFO(path);
        const auto source = repository_of(github, "path: " + std::string(path) + "\n");
        const auto now = checkout(*source);
        CHECK(read_one(*now, "services.yaml").content == "inner");
        CHECK(refuses(read_one(*now, "out.service"), ErrorKind::rejected, "leads out of the source's root"));
        CHECK(refuses(read_one(*now, "../services.yaml"), ErrorKind::rejected, "\"..\" is not allowed"));
    }
    for (const auto* path : {"elsewhere", "services.yaml", "loop", "away", "deploy/pro"}) {
        INFO(path);
        const auto source = repository_of(github, "path: " + std::string(path) + "\n");
        const auto now = checkout(*source);
        CHECK(refuses(read_one(*now, "services.yaml"), ErrorKind::not_found,
                      "there is no \"" + std::string(path) + "/services.yaml\""));
    }
    CHECK(read_one(*checkout(*repository_of(github, "path: /\n")), "services.yaml").content == "outer");
}

TEST_CASE("a file above the limit is rejected alone") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}},
                   {"just", {std::string(16U << 20U, 'x')}},
                   {"over", {std::string((16U << 20U) + 1, 'x')}}});
    const auto repository = repository_of(github);
    const auto from_repository = checkout(*repository);
    CHECK(read_one(*from_repository, "services.yaml").content == "x");
    CHECK(read_one(*from_repository, "just").content.size() == 16U << 20U);
    CHECK(refuses(read_one(*from_repository, "over"), ErrorKind::rejected, "its 16777217 bytes are more than 16 MiB"));

    const auto site_source = site_of(github);
    const auto from_site = checkout(*site_source);
    const auto files = read(*from_site, {"services.yaml", "just", "over"});
    CHECK(files[0].content == "x");
    CHECK(files[1].content.size() == 16U << 20U);
    CHECK(refuses(files[2], ErrorKind::rejected, "larger than 16 MiB"));
}

TEST_CASE("a repository that is much too large is an error that says what to do") {
    GithubDouble github;
    TestCall call;
    GithubTree tree{{"deploy/services.yaml", {"x"}}};
    std::string fragment;
    SECTION("in bytes") {
        for (const auto* name : {"a", "b", "c", "d", "e"}) tree[name] = {std::string(15U << 20U, 'x')};
        fragment = "its files add up to more than 64 MiB: the source's path has to be the folder of services.yaml";
    }
    SECTION("in files") {
        for (int number = 0; number < 100'000; ++number) tree["f/" + std::to_string(number)] = {};
        fragment = "it holds more than 100000 files: the source's path";
    }
    github.commit(tree);
    const auto source = repository_of(github);
    const auto error = thrown_by([&] { source->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, fragment));
    CHECK(std::string_view(thrown_by([&] { source->checkout({}, call); }).what()) == error.what());
    CHECK(github.count("codeload") == 1);
    // Files outside the path do not matter.
    CHECK(read_one(*checkout(*repository_of(github, "path: deploy\n")), "services.yaml").content == "x");
}

TEST_CASE("an archive that unpacks without end is given up") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    github.set_fault(fault_at("codeload", {.body = GithubDouble::gzip(std::string((512U << 20U) + 1, '\0'))}));
    TestCall call;
    const auto error = thrown_by([&] { repository_of(github)->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "it unpacks to more than 512 MiB"));
}

TEST_CASE("an archive that is too large is not downloaded again before the ref moves") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const auto source = repository_of(github);
    github.set_fault(fault_at("codeload", {.body = std::string((64U << 20U) + 1, 'x')}));
    for (int cycle = 0; cycle < 3; ++cycle) {
        TestCall call;
        const auto error = thrown_by([&] { source->checkout({}, call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "cannot read octo/config at HEAD: cannot use the archive of commit " + at + ": GET "));
        CHECK(says(error, "the answer is larger than 64 MiB: it holds the whole repository, so move large files"));
    }
    CHECK(github.count("codeload") == 1);
    CHECK(github.count("api commits") == 3);
    github.set_fault({});
    github.put("services.yaml", "y");
    CHECK(read_one(*checkout(*source), "services.yaml").content == "y");
}
