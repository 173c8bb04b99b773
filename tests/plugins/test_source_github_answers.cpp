#include "support/github_source.hpp"

#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace deployer::github_source;
using namespace std::chrono_literals;

// --- GitHub's answers

TEST_CASE("[R6] a token opens a private repository, and goes to the API alone") {
    GithubDouble github({.token = "ghp_secret"});
    const auto at = github.commit({{"services.yaml", {"x"}}});
    GithubDouble elsewhere;
    elsewhere.commit({{"a.service", {"a"}}});
    TestCall call;

    const auto source = repository_of(github, "token: ghp_secret\n");
    const auto now = checkout(*source);
    CHECK(now->revision().id == at);
    CHECK(read_one(*now, elsewhere.root_uri() + "a.service").content == "a");
    REQUIRE(github.codeload().request_count() == 1);
    CHECK_FALSE(github.codeload().requests().front().has_header("Authorization"));
    CHECK_FALSE(elsewhere.raw().requests().front().has_header("Authorization"));

    const auto wrong = thrown_by([&] { repository_of(github, "token: ghp_wrong\n")->checkout({}, call); });
    CHECK(wrong.kind() == ErrorKind::misconfigured);
    CHECK(says(wrong, "cannot read octo/config at HEAD: the token is not valid or has expired (set another one): GET " +
                          github.api_url() + "/repos/octo/config/commits/HEAD: answered 401, \"Bad credentials\""));
    CHECK_FALSE(says(wrong, "ghp_"));

    const auto without = thrown_by([&] { repository_of(github)->checkout({}, call); });
    CHECK(without.kind() == ErrorKind::misconfigured);
    CHECK(says(without,
               "there is no repository octo/config, or no HEAD in it, or it is private and needs a token "
               "(check repository, ref and token_file): GET "));
}

TEST_CASE("[R6] a token comes from a file as well") {
    GithubDouble github({.token = "ghp_secret"});
    const TempDir directory;
    directory.write("token", "ghp_secret\n");
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const auto source = repository_of(github, "token_file: " + directory.path("token").string() + "\n");
    CHECK(checkout(*source)->revision().id == at);
}

TEST_CASE("what GitHub answers decides what becomes of a cycle") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    struct Case {
        std::string line;
        GithubFault fault;
        ErrorKind kind;
        std::string fragment;
    };
    const auto unavailable = ErrorKind::unavailable;
    const auto misconfigured = ErrorKind::misconfigured;
    const std::vector<Case> cases{
        {"api commits", {.status = 401}, misconfigured, "a token is needed (set token_file): GET "},
        {"api commits", {.status = 403}, unavailable, "answered 403, \"a fault\""},
        {"api commits", {.status = 404}, misconfigured, "there is no repository octo/config, or no HEAD in it"},
        {"api commits",
         {.status = 409, .message = "Git Repository is empty."},
         unavailable,
         "\"Git Repository is empty.\""},
        {"api commits", {.status = 422}, misconfigured, "there is no repository octo/config, or no HEAD in it"},
        {"api commits", {.status = 500}, unavailable, "answered 500"},
        {"api commits", {.status = 503}, unavailable, "503"},
        {"api commits", {.status = 304}, unavailable, "answered 304"},
        {"api commits", {.status = 200, .body = R"({"sha":"x"})"}, unavailable, R"(is no commit id: '{"sha)"},
        {"api commits", {.body = "<html>"}, unavailable, "is no commit id: \"<html>\""},
        {"api commits", {.body = ""}, unavailable, "is no commit id: \"\""},
        {"api commits", {.body = std::string(40, 'g')}, unavailable, "is no commit id"},
        {"api commits", {.body = std::string(41, 'a')}, unavailable, "is no commit id"},
        {"api commits", {.drop = true}, unavailable, "GET " + github.api_url() + "/repos/octo/config/commits/HEAD: "},
        {"api commits", {.cut_after = 20}, unavailable, "cut short"},
        {"api commits", {.cut_after = 20, .framing = HttpReply::Framing::chunked}, unavailable, "cut short"},
        {"api commits", {.framing = HttpReply::Framing::until_close}, unavailable, "whole"},
        {"api tarball", {.status = 401}, misconfigured, "a token is needed"},
        {"api tarball", {.status = 404}, unavailable, "answered 404"},
        {"api tarball", {.status = 500}, unavailable, "answered 500"},
        {"codeload", {.status = 404}, unavailable, "answered 404"},
        {"codeload", {.status = 500}, unavailable, "answered 500"},
        {"codeload", {.drop = true}, unavailable, "GET "},
        {"codeload", {.cut_after = 200}, unavailable, "cut short"},
        {"codeload", {.cut_after = 200, .framing = HttpReply::Framing::length}, unavailable, "cut short"},
    };
    for (const auto& [line, fault, kind, fragment] : cases) {
        INFO(line << " " << fragment);
        const auto source = repository_of(github);
        github.set_fault(fault_at(line, fault));
        github.forget_requests();
        // A short deadline leaves no time for the pauses before many attempts.
        TestCall call(400ms);
        const auto error = thrown_by([&] { source->checkout({}, call); });
        CHECK(error.kind() == kind);
        CHECK(says(error, "cannot read octo/config at HEAD: "));
        CHECK(says(error, fragment));
        CHECK_FALSE(error.retry_after());
        github.set_fault({});
        CHECK(read_one(*checkout(*source), "services.yaml").content == "x");
    }
}

TEST_CASE("a fault that passes within the call is survived") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const std::string line = GENERATE("api commits", "api tarball", "codeload");
    const GithubFault fault =
        GENERATE(GithubFault{.drop = true}, GithubFault{.status = 503}, GithubFault{.cut_after = 30});
    // This answer is a redirect, which has no body to cut.
    if (line == "api tarball" && fault.cut_after) return;
    github.set_fault(fault_at(line, fault, 1));
    CHECK(checkout(*repository_of(github))->revision().id == at);
}

TEST_CASE("a repository that was renamed is followed") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const auto source =
        load_source("source-github", "repository: old/name\nallow_http: true\napi_url: " + github.api_url() + "\n");
    github.set_fault([&](const GithubRequest& request) -> std::optional<GithubFault> {
        const std::string old = "api /old/name";
        if (!request.line.starts_with(old)) return std::nullopt;
        return GithubFault{
            .status = 301,
            .headers = {{"Location", github.api_url() + "/repos/octo/config" + request.line.substr(old.size())}}};
    });
    CHECK(checkout(*source)->revision().id == at);
}

TEST_CASE("a rate limit is said, and GitHub is left alone until it is over") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    const auto now = std::chrono::system_clock::now();
    const auto in = [&](std::chrono::seconds time) {
        return std::to_string(std::chrono::system_clock::to_time_t(now + time));
    };
    struct Case {
        int status;
        HttpHeaders headers;
        std::string message;
        std::chrono::seconds pause;
    };
    const std::vector<Case> cases{
        {403, {{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", in(1800s)}}, "API rate limit exceeded", 1800s},
        {403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", in(24h)}}, "API rate limit exceeded", 2h},
        {403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", in(-100s)}}, "API rate limit exceeded", 60s},
        {403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "soon"}}, "API rate limit exceeded", 60s},
        {403, {{"Retry-After", "90"}, {"x-ratelimit-remaining", "7"}}, "slow down", 90s},
        {403, {}, "You have exceeded a secondary rate limit. Please wait", 60s},
        {429, {{"Retry-After", "120"}}, "too many", 120s},
        {429, {{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", in(600s)}}, "too many", 600s},
        {429, {}, "too many", 60s},
    };
    for (const auto& [status, headers, message, pause] : cases) {
        INFO(status << " " << message << " " << pause.count());
        const auto source = repository_of(github);
        const auto* const line = status == 403 ? "api tarball" : "api commits";
        github.set_fault(fault_at(line, {.status = status, .message = message, .headers = headers}));
        github.forget_requests();
        TestCall call;
        const auto error = thrown_by([&] { source->checkout({}, call); });
        CHECK(github.count(line) == 1);
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "answered " + std::to_string(status) + ", \"" + message));
        CHECK(says(error, "no request is sent before 20"));
        REQUIRE(error.retry_after());
        CHECK(*error.retry_after() <= pause);
        CHECK(*error.retry_after() > pause - 10s);

        github.set_fault({});
        github.forget_requests();
        for (int again = 0; again < 2; ++again) {
            TestCall later;
            const auto same = thrown_by([&] { source->checkout({}, later); });
            CHECK(std::string_view(same.what()) == error.what());
            REQUIRE(same.retry_after());
            CHECK(*same.retry_after() <= *error.retry_after());
        }
        CHECK(github.requests().empty());
    }
}

TEST_CASE("a rate limit is counted by the server's clock, not by ours") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    // The server's clock is years behind the local clock, or years ahead.
    const auto [date, reset] = GENERATE(std::pair("Tue, 01 Jun 2021 12:00:00 GMT", "1622549700"),
                                        std::pair("Mon, 01 Jun 2071 12:00:00 GMT", "3200386500"));
    github.set_fault(fault_at(
        "api commits", {.status = 403,
                        .message = "API rate limit exceeded",
                        .headers = {{"Date", date}, {"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", reset}}}));
    TestCall call;
    const auto error = thrown_by([&] { repository_of(github)->checkout({}, call); });
    REQUIRE(error.retry_after());
    CHECK(*error.retry_after() == 900s);
}

TEST_CASE("a server that fails and says until when is left alone so long, too") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    const bool by_site = GENERATE(false, true);
    const auto source = by_site ? site_of(github) : repository_of(github);
    github.set_fault(fault_at("", {.status = 503, .headers = {{"Retry-After", "300"}}}));
    TestCall call;
    const auto error = thrown_by([&] { source->checkout({}, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "answered 503, \"a fault\": the server asks to wait, so no request is sent before 20"));
    REQUIRE(error.retry_after());
    CHECK(*error.retry_after() > 290s);
    CHECK(thrown_by([&] { source->checkout({}, call); }).retry_after());
    CHECK(github.requests().size() == 1);
}

TEST_CASE("an answer that says for certain what there is not does so with Retry-After as well") {
    GithubDouble github;
    github.commit({{"services.yaml", {"x"}}});
    github.set_fault(fault_at("", {.status = 404, .headers = {{"Retry-After", "300"}}}));
    CHECK(refuses(read_one(*checkout(*site_of(github)), "services.yaml"), ErrorKind::not_found, "answered 404"));
    TestCall call;
    CHECK(thrown_by([&] { repository_of(github)->checkout({}, call); }).kind() == ErrorKind::misconfigured);
}

TEST_CASE("after a rate limit the source goes on by itself") {
    GithubDouble github;
    const auto at = github.commit({{"services.yaml", {"x"}}});
    const auto source = repository_of(github);
    github.limit(1, std::chrono::system_clock::now() + 2s);
    TestCall call;
    // The limit lets one request through: the one for the commit, but not the one for the archive.
    const auto error = thrown_by([&] { source->checkout({}, call); });
    REQUIRE(error.retry_after());
    CHECK(says(error, "API rate limit exceeded"));
    const Call& waiting = call;
    REQUIRE(waiting.wait(*error.retry_after() + 10ms));
    CHECK(checkout(*source)->revision().id == at);
}

TEST_CASE("a checkout ends at once when it is stopped", "[concurrent]") {
    GithubDouble github({.latency = 20s});
    github.commit({{"services.yaml", {"x"}}});
    const bool by_site = GENERATE(false, true);
    const auto source = by_site ? site_of(github) : repository_of(github);
    TestCall call;
    const std::jthread stopper([&] {
        (void)(by_site ? github.raw() : github.api()).wait_for_requests(1);
        call.request_stop();
    });
    CHECK(thrown_by([&] { source->checkout({}, call); }).kind() == ErrorKind::cancelled);
    CHECK(static_cast<const Call&>(call).remaining() > 15s);
}
