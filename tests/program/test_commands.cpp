#include "support/catch.hpp"
#include "support/local_cluster.hpp"

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

LocalCluster::Ended run_program(const std::vector<std::string>& arguments,
                                const std::string& executable = DEPLOYER_TEST_PROGRAM) {
    Program program(arguments, executable);
    const auto status = program.wait();
    return {status, program.out(), program.err()};
}

/// Runs a command of the program with a shell's redirections.
LocalCluster::Ended run_redirected(const std::string& command, const LocalCluster& cluster,
                                   const std::string& redirections) {
    return run_program(
        {"-c", "exec \"$0\" " + command + " --config \"$1\" " + redirections, DEPLOYER_TEST_PROGRAM, cluster.config()},
        "/bin/sh");
}

void declare_one(LocalCluster& cluster) {
    cluster.put_unit("a.service", "v1");
    cluster.declare("services:\n- name: a.service\n");
}

/// Configures a target that records each call.
void use_recording_target(LocalCluster& cluster, const std::string& more = "") {
    cluster.dir().write(
        "config.yaml",
        "source: {plugin: source-file, path: source, settle: 20ms}\n"
        "target:\n  plugin: target-recording\n  file: " +
            (cluster.dir().path() / "units").string() + "\n  calls: " + (cluster.dir().path() / "calls").string() +
            "\n" + more + "cache: {plugin: cache-file, path: cache}\nplugins: {path: [" DEPLOYER_TEST_FIXTURES "]}\n" +
            "reconcile: {call_timeout: 200ms, call_grace: 100ms}\n");
}

}  // namespace

TEST_CASE("plan makes no writing call and leaves no trace, whatever there is to do", "[R20]") {
    LocalCluster cluster;
    declare_one(cluster);
    use_recording_target(cluster);
    const auto ended = cluster.run("plan", {"--detailed-exitcode"});
    INFO(ended.err);
    CHECK(ended.status == 2);
    CHECK(ended.out.find("create") != std::string::npos);
    CHECK(cluster.dir().read("calls") == "list\n");
    CHECK_FALSE(cluster.dir().exists("cache"));
    CHECK_FALSE(cluster.dir().exists("units"));
}

TEST_CASE("plan exits with 0, with --detailed-exitcode with 2 when there is something to do") {
    LocalCluster cluster;
    declare_one(cluster);
    CHECK(cluster.run("plan").status == 0);
    CHECK(cluster.run("plan", {"--detailed-exitcode"}).status == 2);
    REQUIRE(cluster.once().status == 0);
    CHECK(cluster.run("plan", {"--detailed-exitcode"}).status == 0);
}

TEST_CASE("validate finds what would be held, without a cluster") {
    LocalCluster cluster("  unavailable_every: 1\n");
    declare_one(cluster);
    CHECK(cluster.run("validate").status == 0);
    cluster.put("a.service", "[Service]\nno option\n");
    const auto ended = cluster.run("validate");
    CHECK(ended.status == 1);
    CHECK(ended.out.find("a.service") != std::string::npos);
    CHECK(ended.out.find("line 2") != std::string::npos);
}

TEST_CASE("plugins lists what is shipped, usable, with kind, version and file") {
    const auto text = run_program({"plugins"});
    CHECK(text.status == 0);
    for (const auto* name : {"cache-file", "source-file", "target-mock"}) {
        CHECK(text.out.find(name) != std::string::npos);
    }
    const auto json = run_program({"plugins", "--output", "json"});
    CHECK(json.out.find("\"kind\": \"target\"") != std::string::npos);
    CHECK(json.out.find("\"usable\": true") != std::string::npos);
}

TEST_CASE("plugins names one that is refused, says why, and exits with 1", "[R2]") {
    const LocalCluster cluster;
    const auto file = cluster.dir().write("more/target-\x1b[31m.so", "#!/bin/sh\n");
    cluster.dir().write("config.yaml", cluster.dir().read("config.yaml") + "plugins: {path: [more]}\n");
    const auto reason = "is not a shared library: it begins with 23 21 2f 62 and not with 7f 45 4c 46 (ELF)";
    const auto text = cluster.run("plugins");
    INFO(text.err);
    CHECK(text.status == 1);
    CHECK(text.out.find("target-\\x1b[31m  refused  " + file.parent_path().string() +
                        "/target-\\x1b[31m.so: " + reason + "\n") != std::string::npos);
    CHECK(text.out.find('\x1b') == std::string::npos);
    CHECK(text.out.find("target-mock") != std::string::npos);
    const auto json = cluster.run("plugins", {"--output", "json"});
    CHECK(json.status == 1);
    CHECK(json.out.find("\"usable\": false") != std::string::npos);
    CHECK(json.out.find(reason) != std::string::npos);
}

TEST_CASE("a report that cannot be written is a failure, and said to be one") {
    LocalCluster cluster;
    declare_one(cluster);
    for (const std::string redirection : {">/dev/full", ">&-"}) {
        const auto ended = run_redirected("plan", cluster, redirection);
        CHECK(ended.status == 1);
        CHECK(ended.err.find("coco-fleet-deployer: cannot write to standard output\n") != std::string::npos);
    }
}

TEST_CASE("a configuration that is not usable is a failed report for who reads JSON") {
    LocalCluster cluster("", "  interval: soon\n");
    for (const std::string command : {"once", "plan", "validate"}) {
        const auto ended = cluster.run(command, {"--output", "json"});
        CHECK(ended.status == 1);
        CHECK(result_of(ended) == "failed");
        CHECK(ended.json()->getValue<std::string>("error_kind") == "misconfigured");
        const auto error = ended.json()->getValue<std::string>("error");
        CHECK(error.find("config.yaml:7: reconcile.interval: ") != std::string::npos);
        CHECK(ended.err == "coco-fleet-deployer: " + error + "\n");
        CHECK(cluster.run(command).out.empty());
    }
}

TEST_CASE("mistakes of usage exit with 64, mistakes of configuration with 1, each saying what to do") {
    const auto usage = run_program({"depoly"});
    CHECK(usage.status == 64);
    CHECK(usage.err == "coco-fleet-deployer: unknown command 'depoly'; try 'coco-fleet-deployer --help'\n");
    CHECK(run_program({"once"}).status == 64);
    CHECK(run_program({}).status == 64);
    CHECK(run_program({"once", "--config", "/nowhere/config.yaml"}).status == 1);

    const LocalCluster cluster;
    cluster.dir().write("config.yaml",
                        "source: {plugin: source-file, pth: x}\ntarget: {plugin: target-mock}\n"
                        "cache: {plugin: cache-file}\n");
    const auto ended = cluster.run("once");
    CHECK(ended.status == 1);
    CHECK(ended.err.find("config.yaml:1: source.pth: unknown key; did you mean \"path\"?") != std::string::npos);
    cluster.dir().write("config.yaml",
                        "source: {plugin: source-file, path: x}\ntarget:\n  plugin: target-mok\n"
                        "cache: {plugin: cache-file}\n");
    const auto misnamed = cluster.run("once").err;
    CHECK(misnamed.find("config.yaml:3: target.plugin: cannot load plugin target-mok: ") != std::string::npos);
    CHECK(misnamed.find("did you mean \"target-mock\"?") != std::string::npos);
}

TEST_CASE("a message shows no control characters of others") {
    const auto ended = run_program({"once", "--config", "/nowhere/\x1b[31m\xff"});
    CHECK(ended.status == 1);
    CHECK(ended.err.find(R"(/nowhere/\x1b[31m\xff: )") != std::string::npos);
}

TEST_CASE("a plugin that throws ends neither the process nor the other units", "[R5]") {
    LocalCluster cluster;
    declare_one(cluster);
    use_recording_target(cluster, "  throw_on: apply\n  throw_kind: int\n");
    const auto ended = cluster.once();
    INFO(ended.err);
    CHECK(ended.status == 3);
    CHECK(result_of(ended) == "degraded");
    CHECK(ended.out.find("a defect of target-recording") != std::string::npos);
}

TEST_CASE("a plugin that hangs past its deadline is named and ends the process with status 1", "[R8]") {
    LocalCluster cluster;
    declare_one(cluster);
    use_recording_target(cluster, "  hang_on: apply\n");
    const auto ended = cluster.run("once");
    CHECK(ended.status == 1);
    CHECK(ended.err.find("target-recording: cannot apply a.service") != std::string::npos);
    CHECK(ended.err.find("the plugin has not returned") != std::string::npos);
}

TEST_CASE("a plugin that hangs where it gets no deadline ends the process as well", "[R8]") {
    LocalCluster cluster;
    declare_one(cluster);
    const std::vector<std::pair<std::string, std::string>> calls = {{"create", "cannot set up the plugin"},
                                                                    {"identity", "cannot tell which cluster this is"}};
    for (const auto& [call, message] : calls) {
        use_recording_target(cluster, "  hang_on: " + call + "\n");
        const auto ended = cluster.run("once");
        CHECK(ended.status == 1);
        CHECK(ended.err.find("target-recording: " + message + ": the plugin has not returned") != std::string::npos);
    }
}

TEST_CASE("SIGTERM ends run even when a plugin is deaf to it", "[R8]") {
    LocalCluster cluster;
    declare_one(cluster);
    use_recording_target(cluster, "  hang_on: apply\n");
    auto config = cluster.dir().read("config.yaml");
    config.replace(config.find("call_timeout: 200ms"), 19, "call_timeout: 10h  ");
    cluster.dir().write("config.yaml", config);
    Program program({"run", "--config", cluster.config()});
    REQUIRE(eventually([&] { return program.err().find("change to make") != std::string::npos; }));
    const auto begin = std::chrono::steady_clock::now();
    program.send(SIGTERM);
    CHECK(program.wait() == 1);
    // The promise is 2 s; the rest allows for a busy machine.
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    CHECK(program.err().find("the plugin has not returned") != std::string::npos);
}

TEST_CASE("orders that are given at the same moment all count") {
    LocalCluster cluster;
    declare_one(cluster);
    REQUIRE(cluster.once().status == 0);
    constexpr std::size_t many = 8;
    std::vector<std::unique_ptr<Program>> commands;
    commands.reserve(many);
    for (std::size_t i = 0; i < many; ++i) {
        commands.push_back(std::make_unique<Program>(std::vector<std::string>{
            "pause", "s" + std::to_string(i), "--reason", "all at once", "--config", cluster.config()}));
    }
    for (const auto& command : commands) CHECK(command->wait() == 0);
    const auto status = cluster.run("status", {"--output", "json"});
    CHECK(status.json()->getArray("paused")->size() == many);
}
