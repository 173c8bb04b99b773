#include "support/catch.hpp"
#include "support/etcd.hpp"
#include "support/fleet_double.hpp"
#include "support/github_double.hpp"
#include "support/local_cluster.hpp"
#include "support/program.hpp"
#include "support/reserved_port.hpp"
#include "support/shared_data.hpp"
#include "support/socks_proxy.hpp"

#include <deployer/unit_file.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

const std::string foo_file = "[Service]\nExecStart=/bin/foo\n";

GithubTree small_tree() {
    return {{"services.yaml", {"services:\n- name: foo@.service\n  count: 2\n"}}, {"foo@.service", {foo_file}}};
}

/// State is kept in a directory of the test instead of the machine's.
class OwnState {
public:
    OwnState() { ::setenv("STATE_DIRECTORY", dir_.path().c_str(), 1); }

private:
    TempDir dir_;
};

/// What a run of the program wrote, on both streams.
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
    const SocksProxy proxy;
    const ReservedPort nobody;
    const bool through_proxy = GENERATE(false, true);
    std::vector<std::string> arguments{"-fleetEndpoint=" + fleet.endpoint(), "-rootURI=" + github.root_uri(),
                                       "-destroy=true", "-etcd-url=http://127.0.0.1:" + nobody.text()};
    if (through_proxy) arguments.push_back("-socksProxy=" + proxy.address());
    Program program(arguments);
    const std::vector<std::string> both{"foo@1.service", "foo@2.service"};
    CHECK(eventually([&] { return fleet.names() == both || program.ended(); }));
    INFO(program.err());
    CHECK(fleet.names() == both);
    CHECK(eventually([&] { return program.err().find("settings could not be read from etcd") != std::string::npos; }));
    CHECK(through_proxy == !proxy.log().empty());
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
    // Hidden once two looks in a row find no new line: between them are several cycles.
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
        // The revision is each source's own name for it.
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
    const auto token = GENERATE(std::string("token: ghp_verysecret"), std::string("token_file: token"));
    const std::string api_url = GENERATE(true, false) ? github.api_url() : "http://127.0.0.1:1";
    const auto config =
        dir.write("config.yaml",
                  "source:\n  plugin: source-github\n  repository: octo/config\n"
                  "  allow_http: true\n  api_url: " +
                      api_url + "\n  " + token + "\ntarget: {plugin: target-fleet, endpoint: '" + endpoint +
                      "'}\ncache: {plugin: cache-file, path: cache}\n"
                      "log: {level: debug}\n")
            .string();
    std::string all;
    for (const auto& command : std::vector<std::vector<std::string>>{{"validate"},
                                                                     {"plan"},
                                                                     {"plan", "--output=json"},
                                                                     {"once", "--output=json"},
                                                                     {"once"},
                                                                     {"config", "--print"}}) {
        auto arguments = command;
        arguments.emplace_back("--config");
        arguments.push_back(config);
        all += output_of(arguments);
    }
    INFO(all);
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

TEST_CASE("the sample for production is understood, and the sample units are ones that fleet takes") {
    const std::string etc = DEPLOYER_SOURCE_DIR "/etc";
    Program program({"config", "--print", "--config", etc + "/production.yaml"});
    CHECK(program.wait() == 0);
    INFO(program.err());
    CHECK(program.out().find("plugin: target-fleet") != std::string::npos);
    for (const auto* name : {"/deployer.service", "/fleet/deployer.service"}) {
        std::ifstream in(etc + name);
        const auto options = parse_unit_file(std::string(std::istreambuf_iterator<char>(in), {}));
        CHECK(options.size() > 5);
    }
}
