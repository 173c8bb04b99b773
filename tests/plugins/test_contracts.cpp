#include "support/catch.hpp"
#include "support/fleet_double.hpp"
#include "support/github_double.hpp"
#include "support/http_server.hpp"
#include "support/nginx.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_files.hpp"

#include <deployer/conformance.hpp>

#include <filesystem>
#include <set>
#include <string>

using namespace deployer;

namespace {

using Verdict = CheckResult::Verdict;

/// Runs the suite on a shipped plugin. All checks must pass, except the named ones, which must be skipped.
void check_contract_by(const std::filesystem::path& settings, const std::string& plugin,
                       const std::set<std::string>& skipped) {
    const auto file = std::filesystem::path(DEPLOYER_TEST_PLUGINS) / (plugin + ".so");
    ConformanceSuite suite(file, settings);
    std::set<std::string> left_out;
    for (std::size_t check = 0; check < suite.size(); ++check) {
        const auto result = suite.run(check);
        INFO(result.name << ": " << result.detail);
        CHECK(result.verdict != Verdict::failed);
        if (result.verdict == Verdict::skipped) left_out.insert(result.name);
    }
    CHECK(left_out == skipped);
    CHECK(suite.size() > 15);
}

void check_contract(const std::string& plugin, const std::string& settings, const std::set<std::string>& skipped = {}) {
    const TempDir dir;
    check_contract_by(dir.write("conformance.yaml", settings), plugin, skipped);
}

const std::set<std::string> of_networked_targets{"where nobody listens, every call is unavailable",
                                                 "where nobody answers, every call ends at its deadline",
                                                 "where nobody answers, every call ends when it is stopped",
                                                 "an answer that makes no sense is unavailable",
                                                 "a listing that is cut short is unavailable",
                                                 "another cluster has another identity()"};

const std::set<std::string> of_networked_sources{
    "where nobody listens, reading is unavailable", "where nobody answers, reading ends at its deadline",
    "where nobody answers, reading ends when it is stopped", "an answer that makes no sense is unavailable",
    "an answer that is cut short is unavailable"};

}  // namespace

TEST_CASE("target-mock keeps the contract of a target", "[R7]") {
    check_contract("target-mock",
                   "settings: {state_file: \"{tmp}/cluster.json\", delay: 10ms}\n"
                   "unreachable: {state_file: /dev/null/cluster.json}\n"
                   "refused: [{delay: soon}, {latency: -1s}]\n",
                   of_networked_targets);
}

TEST_CASE("target-fleet keeps the contract of a target", "[R7]") {
    FleetDouble fleet{{.speed = 1000}};
    fleet.add({"other.service", {{"Service", "ExecStart", "/bin/true"}}, DesiredState::launched});
    check_contract("target-fleet", "settings: {endpoint: \"" + fleet.endpoint() +
                                       "\"}\n"
                                       "unreachable: {endpoint: \"http://127.0.0.1:1\"}\n"
                                       "another_cluster: {endpoint: \"http://127.0.0.1:1\"}\n"
                                       "network: {endpoint: \"http://127.0.0.1:{port}\"}\n"
                                       "refused: [{endpoint: nowhere}, {update: never}]\n");
}

TEST_CASE("source-file keeps the contract of a source", "[R7]") {
    check_contract("source-file",
                   "settings: {path: \"{tmp}/tree\", settle: 20ms}\n"
                   "prepare: mkdir tree && echo first >tree/services.yaml\n"
                   "change: echo second >>tree/services.yaml\n"
                   "unreachable: {path: /nonexistent/tree}\n"
                   "refused: [{settle: soon}, {path: [a]}]\n",
                   of_networked_sources);
}

TEST_CASE("cache-file keeps the contract of a cache", "[R7]") {
    check_contract(
        "cache-file",
        "settings: {path: \"{tmp}/cache\"}\n"
        "unreachable: {path: /dev/null/cache}\n"
        "refused: [{path: [a]}]\n",
        {"where nobody listens, nothing is stored, loaded or erased",
         "where nobody answers, calls end at their deadline", "where nobody answers, calls end when they are stopped"});
}

TEST_CASE("source-github keeps the contract of a source: a repository", "[R7]") {
    const TempDir dir;
    GithubDouble github;
    github.put("services.yaml", "services: []\n");
    // The suite's shell command can only create a file; the next request turns that into a commit.
    github.set_fault([&](const GithubRequest&) -> std::optional<GithubFault> {
        if (dir.exists("pushed")) {
            dir.remove("pushed");
            github.put("services.yaml", "services: [{name: foo.service}]\n");
        }
        return std::nullopt;
    });
    check_contract("source-github", "settings: {repository: octo/config, allow_http: true, api_url: \"" +
                                        github.api_url() +
                                        "\"}\n"
                                        "change: touch " +
                                        dir.path("pushed").string() +
                                        "\n"
                                        "unreachable: {api_url: \"http://127.0.0.1:1\"}\n"
                                        "network: {api_url: \"http://127.0.0.1:{port}\"}\n"
                                        "refused: [{repository: octo}, {api_url: nowhere}]\n");
}

TEST_CASE("source-github keeps the contract of a source: a web server", "[R7]") {
    const TempDir files;
    files.write("root/services.yaml", "services: []\n");
    const TlsFiles tls;
    const Nginx nginx(tls, "root " + files.path("root").string() + ";");
    check_contract("source-github",
                   "settings: {root_uri: \"" + nginx.url("/") + "\", ca_file: " + tls.ca().string() +
                       "}\n"
                       "change: echo more >>" +
                       files.path("root/services.yaml").string() +
                       "\n"
                       "unreachable: {root_uri: \"https://127.0.0.1:1/\"}\n"
                       "network: {root_uri: \"http://127.0.0.1:{port}/\", allow_http: true}\n"
                       "refused: [{root_uri: nowhere}, {ca_file: [a]}]\n",
                   {});
}

TEST_CASE("health-http keeps the contract of a health plugin", "[R7]") {
    const HttpServer server([](const HttpRequest& request) {
        const bool is_good = request.path().find("good") != std::string::npos;
        return HttpReply{
            .status = is_good ? 200 : 503,
            .body = R"({"checks":[{"name":"disk","ok":)" + std::string(is_good ? "true" : "false") + "}]}"};
    });
    check_contract("health-http", "settings: {prefix: \"" + server.url("") +
                                      "\", when: [good, bad, conformance-unknown]}\n"
                                      "unreachable: {prefix: \"http://127.0.0.1:1\"}\n"
                                      "network: {prefix: \"http://127.0.0.1:{port}\"}\n"
                                      "refused: [{prefix: nowhere}, {when: never}]\n"
                                      "services: {healthy: good, unhealthy: bad, unchecked: other}\n");
}

TEST_CASE("target-exec keeps the contract of a target, with the example in Python", "[R7]") {
    check_contract_by(std::filesystem::path(DEPLOYER_SOURCE_DIR) / "examples/target-exec-python/conformance.yaml",
                      "target-exec", of_networked_targets);
}
