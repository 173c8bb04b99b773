#include "support/catch.hpp"
#include "support/etcd.hpp"
#include "support/fleet_double.hpp"
#include "support/github_double.hpp"
#include "support/http_server.hpp"
#include "support/local_cluster.hpp"
#include "support/program.hpp"
#include "support/reserved_port.hpp"
#include "support/shared_data.hpp"
#include "support/socks_proxy.hpp"

#include <deployer/unit_file.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

const std::string foo_file = "[Service]\nExecStart=/bin/foo\n";

GithubTree small_tree() {
    return {{"services.yaml", {"services:\n- name: foo@.service\n  count: 2\n"}}, {"foo@.service", {foo_file}}};
}

/// Makes the program keep its state in a directory of the test instead of the machine's.
class OwnState {
public:
    OwnState() { ::setenv("STATE_DIRECTORY", dir_.path().c_str(), 1); }

private:
    TempDir dir_;
};

/// The output of a run of the program, on both streams.
std::string output_of(const std::vector<std::string>& arguments) {
    Program program(arguments);
    (void)program.wait();
    return program.out() + program.err();
}

}  // namespace

TEST_CASE("the Go deployer's command line starts this one and deploys, with and without a SOCKS proxy") {
    const OwnState state;
    FleetDouble fleet({.speed = 2000});
    GithubDouble github;
    github.commit(small_tree());
    const HttpServer etcd([](const HttpRequest&) {
        return HttpReply{.status = 404, .body = R"({"errorCode":100,"message":"Key not found"})"};
    });
    const SocksProxy proxy;
    const bool through_proxy = GENERATE(false, true);
    std::vector<std::string> arguments{"-fleetEndpoint=" + fleet.endpoint(), "-rootURI=" + github.root_uri(),
                                       "-destroy=true", "-etcd-url=" + etcd.url("")};
    if (through_proxy) arguments.push_back("-socksProxy=" + proxy.address());
    Program program(arguments);
    const std::vector<std::string> both{"foo@1.service", "foo@2.service"};
    CHECK(eventually([&] { return fleet.names() == both || program.ended(); }));
    INFO(program.err());
    CHECK(fleet.names() == both);
    CHECK(etcd.request_count() > 0);
    INFO(proxy.log());
    for (const auto& url : {fleet.endpoint(), github.root_uri(), etcd.url("")}) {
        const auto host = url.substr(std::string("http://").size());
        CHECK(proxy.has_connected_to(host.substr(0, host.find('/'))) == through_proxy);
    }
    program.send(SIGTERM);
    CHECK(program.wait() == 0);
}

TEST_CASE("as the Go deployer, it sleeps after a failure and exits with status 1") {
    const OwnState state;
    const ReservedPort nobody;
    GithubDouble github;
    github.commit(small_tree());
    Program program({"-fleetEndpoint=http://127.0.0.1:" + nobody.text(), "-rootURI=" + github.root_uri(),
                     "-no-of-secs-to-sleep-before-restart=1", "-etcd-url=http://127.0.0.1:" + nobody.text()});
    CHECK(program.wait() == 1);
    CHECK(program.err().find("ends in 1s with status 1") != std::string::npos);
    CHECK(program.err().find("connection refused") != std::string::npos);
}

TEST_CASE("as the Go deployer, it sleeps and exits when there is no services.yaml") {
    const OwnState state;
    FleetDouble fleet({.speed = 2000});
    GithubDouble github;
    github.commit({{"foo@.service", {foo_file}}});
    const ReservedPort nobody;
    Program program({"-fleetEndpoint=" + fleet.endpoint(), "-rootURI=" + github.root_uri(),
                     "-no-of-secs-to-sleep-before-restart=1", "-etcd-url=http://127.0.0.1:" + nobody.text()});
    CHECK(program.wait() == 1);
    CHECK(program.err().find("services.yaml") != std::string::npos);
    CHECK(program.err().find("ends in 1s with status 1") != std::string::npos);
}

TEST_CASE("what a flag's value cannot be is said of the flag") {
    const OwnState state;
    const auto complaint_about = [](const std::string& root, const std::string& etcd) {
        return output_of(
            {"plan", "--output=json", "-fleetEndpoint=http://h:1", "-rootURI=" + root, "-etcd-url=" + etcd});
    };
    const auto root = complaint_about("ftp://example.test/", "http://h:1");
    INFO(root);
    CHECK(root.find("\"error\": \"-rootURI: has to begin with") != std::string::npos);
    CHECK(root.find("coco-fleet-deployer: -rootURI: has to begin with") != std::string::npos);
    CHECK(root.find("the flags") == std::string::npos);
    CHECK(complaint_about("http://example.test/", "h:1").find("deployer: -etcd-url: has to") != std::string::npos);
}

TEST_CASE("is-debug in etcd shows and hides debug lines while the deployer runs") {
    const OwnState state;
    const Etcd etcd;
    LocalCluster cluster("", "  interval: 50ms\n");
    cluster.put_unit("a.service", "v1");
    cluster.declare("services:\n- name: a.service\n");
    {
        std::ofstream config(cluster.config(), std::ios::app);
        config << "settings_from: {etcd: '" << etcd.url() << "', prefix: /ft/config/deployer}\n";
    }
    Program program({"run", "--config", cluster.config()});
    const auto count = [&](const std::string& text) {
        std::size_t found = 0;
        const auto log = program.err();
        for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
        return found;
    };
    REQUIRE(eventually([&] { return count("cycle ended, applied") == 1; }));
    CHECK(count(" debug: ") == 0);
    etcd.put("/ft/config/deployer/is-debug", "true");
    CHECK(eventually([&] { return count("Debug log enabled.") == 1 && count(" debug: ") > 0; }));
    if (GENERATE(true, false)) {
        etcd.put("/ft/config/deployer/is-debug", "false");
    } else {
        etcd.erase("/ft/config/deployer/is-debug");
    }
    // Debug lines have ended once two looks in a row find no new one; between them are several cycles.
    CHECK(eventually([&] {
        const auto before = count(" debug: ");
        std::this_thread::sleep_for(300ms);
        return count(" debug: ") == before;
    }));
    program.send(SIGTERM);
    CHECK(program.wait() == 0);
}

TEST_CASE("the same desired state gives the same plan from files to the mock as from GitHub to fleet") {
    FleetDouble fleet({.speed = 2000});
    GithubDouble github;
    LocalCluster local;
    GithubTree tree;
    const auto put = [&](const std::string& name, const std::string& content) {
        tree[name] = {content};
        local.put(name, content);
    };
    if (const auto shared = find_shared("up-service-files")) {
        for (const auto& file : std::filesystem::directory_iterator(*shared)) {
            std::ifstream in(file.path(), std::ios::binary);
            put(file.path().filename().string(), std::string(std::istreambuf_iterator<char>(in), {}));
        }
    } else {
        put("services.yaml", "services:\n- name: foo@.service\n  count: 2\n- name: broken.service\n");
        put("foo@.service", foo_file);
        put("broken.service", "[Service]\nno option\n");
    }
    github.commit(tree);
    const auto config =
        local.dir().write("production.yaml",
                          "source: {plugin: source-github, repository: octo/config, allow_http: true, api_url: '" +
                              github.api_url() + "'}\ntarget: {plugin: target-fleet, endpoint: '" + fleet.endpoint() +
                              "'}\ncache: {plugin: cache-file, path: production-cache}\nreconcile:\n  destroy: true\n");
    const auto plan_of = [](const std::string& file) {
        Program program({"plan", "--config", file});
        (void)program.wait();
        auto text = program.out();
        INFO(program.err());
        // Each source names the revision in its own way, so the line differs.
        REQUIRE(text.rfind("revision ", 0) == 0);
        return text.substr(text.find('\n'));
    };
    const auto from_files = plan_of(local.config());
    CHECK(from_files.find(" create ") != std::string::npos);
    CHECK(plan_of(config.string()) == from_files);
}

TEST_CASE("secrets are in nothing that the program writes", "[R6]") {
    const std::string secret = "ghp_verysecret";
    const std::string password = "pass0word";
    FleetDouble fleet({.speed = 2000});
    GithubDouble github({.token = secret});
    github.commit(small_tree());
    TempDir dir;
    dir.write("token", secret + "\n");
    const auto endpoint = "http://bob:" + password + "@" + fleet.endpoint().substr(std::string("http://").size());
    const bool is_reachable = GENERATE(true, false);
    const std::string token = is_reachable ? "token: ghp_verysecret" : "token_file: token";
    const std::string api_url = is_reachable ? github.api_url() : "http://127.0.0.1:1";
    const auto config =
        dir.write("config.yaml",
                  "source:\n  plugin: source-github\n  repository: octo/config\n"
                  "  allow_http: true\n  api_url: " +
                      api_url + "\n  " + token + "\ntarget: {plugin: target-fleet, endpoint: '" + endpoint +
                      "'}\ncache: {plugin: cache-file, path: cache}\n"
                      "settings_from: {etcd: 'http://eve:" +
                      password +
                      "@127.0.0.1:1', prefix: /d}\n"
                      "log: {level: debug}\n")
            .string();
    std::string all;
    for (const auto& command : std::vector<std::vector<std::string>>{
             {"validate"}, {"plan"}, {"once", "--output=json"}, {"once"}, {"config", "--print"}}) {
        auto arguments = command;
        arguments.emplace_back("--config");
        arguments.push_back(config);
        all += output_of(arguments);
    }
    Program daemon({"run", "--config", config});
    CHECK(eventually([&] {
        const auto log = daemon.err();
        return log.find("cycle ended") != std::string::npos || log.find("trying again in") != std::string::npos;
    }));
    daemon.send(SIGTERM);
    CHECK(daemon.wait() == 0);
    all += daemon.out() + daemon.err();
    INFO(all);
    CHECK(all.find("cannot read settings from etcd") != std::string::npos);
    CHECK(all.size() > 500);
    CHECK(all.find(secret) == std::string::npos);
    CHECK(all.find(password) == std::string::npos);
    for (const auto& file : std::filesystem::recursive_directory_iterator(dir.path() / "cache")) {
        if (!file.is_regular_file()) continue;
        std::ifstream in(file.path(), std::ios::binary);
        const std::string content(std::istreambuf_iterator<char>(in), {});
        CHECK(content.find(secret) == std::string::npos);
        CHECK(content.find(password) == std::string::npos);
    }
}

TEST_CASE("the sample unit for fleet starts the deployer with what etcd says, and says when etcd says nothing") {
    const Etcd etcd;
    std::ifstream in(DEPLOYER_SOURCE_DIR "/etc/fleet/deployer.service");
    const auto options = parse_unit_file(std::string(std::istreambuf_iterator<char>(in), {}));
    const auto start =
        std::find_if(options.begin(), options.end(), [](const auto& option) { return option.name == "ExecStart"; });
    REQUIRE(start != options.end());
    // systemd passes the text in single quotes to the shell as one word.
    const std::string before = "/bin/sh -c '";
    REQUIRE(start->value.rfind(before, 0) == 0);
    REQUIRE(start->value.back() == '\'');
    auto script = start->value.substr(before.size(), start->value.size() - before.size() - 1);
    REQUIRE(script.find_first_of("'\\%") == std::string::npos);
    REQUIRE(script.find("${") == std::string::npos);
    const std::string program = "/opt/coco-fleet-deployer/bin/coco-fleet-deployer";
    REQUIRE(script.find(program) != std::string::npos);
    script.replace(script.find(program), program.size(), DEPLOYER_TEST_PROGRAM " config --print");
    const auto run = [&] {
        // The sample relies on etcdctl's default port, so the test names its own etcd.
        Program shell({"-u", "ETCDCTL_API", "ETCDCTL_ENDPOINTS=" + etcd.url(), "/bin/sh", "-c", script},
                      "/usr/bin/env");
        const auto status = shell.wait();
        return std::pair(status, shell.out() + shell.err());
    };
    const auto [refused, complaint] = run();
    CHECK(refused != 0);
    CHECK(complaint.find("Key not found") != std::string::npos);
    etcd.put("/ft/config/services-definition-root-uri", "");
    const auto [empty, empty_complaint] = run();
    CHECK(empty != 0);
    CHECK(empty_complaint.find("etcd has no /ft/config/services-definition-root-uri") != std::string::npos);
    etcd.put("/ft/config/services-definition-root-uri", "https://example.test/files/");
    const auto [started, printed] = run();
    INFO(printed);
    CHECK(started == 0);
    CHECK(printed.find("root_uri: 'https://example.test/files/'") != std::string::npos);
    CHECK(printed.find("endpoint: 'unix:///var/run/fleet.sock'") != std::string::npos);
    CHECK(printed.find("destroy: true") != std::string::npos);
}

TEST_CASE("the sample for production is understood, and the sample units are ones that fleet takes") {
    const std::string etc = DEPLOYER_SOURCE_DIR "/etc";
    // The file unchanged, except for a token that exists on this machine.
    const TempDir dir;
    const std::string token_file = "/etc/coco-fleet-deployer/github-token";
    std::ifstream sample(etc + "/production.yaml");
    std::string text(std::istreambuf_iterator<char>(sample), {});
    REQUIRE(text.find(token_file) != std::string::npos);
    text.replace(text.find(token_file), token_file.size(), dir.write("token", "x\n").string());
    Program program({"config", "--print", "--config", dir.write("production.yaml", text).string()});
    CHECK(program.wait() == 0);
    INFO(program.err());
    CHECK(program.out().find("plugin: target-fleet") != std::string::npos);
    for (const auto* name : {"/deployer.service", "/fleet/deployer.service"}) {
        std::ifstream in(etc + name);
        const auto options = parse_unit_file(std::string(std::istreambuf_iterator<char>(in), {}));
        CHECK(options.size() > 5);
    }
}
