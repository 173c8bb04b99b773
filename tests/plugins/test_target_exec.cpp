#include "support/exec_program.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace deployer::exec_target;

TEST_CASE("exec: what is wrong with the settings is said at once", "[R6]") {
    CHECK(says(refusal_of("identity: x"), "command: is missing"));
    CHECK(says(refusal_of("command: []"), "command: is empty"));
    CHECK(says(refusal_of("command: ['']"), "command: has no program in it"));
    CHECK(says(refusal_of("command: x"), "command: must be a list of texts"));
    CHECK(says(refusal_of("command: [x]\nsettings: y"), "settings: must be a block of keys"));
    CHECK(says(refusal_of("command: [x]\nenvironment: {'A=B': y}"), "is no name of an environment variable"));
    CHECK(says(refusal_of("command: [x]\nenvironment: {A: '${NOT_SET_ANYWHERE}'}"), "NOT_SET_ANYWHERE is not set"));
    CHECK(says(refusal_of("command: [x]\nstart_timeout: 0"), "start_timeout: has to be longer than 0"));
    CHECK(says(refusal_of("command: [x]\nidentity: ''"), "identity: is empty"));
    CHECK(says(refusal_of("command: [x]\ncomand: y"), "unknown key; did you mean \"command\"?"));
    CHECK(refusal_of("identity: x").kind() == ErrorKind::misconfigured);
}

TEST_CASE("exec: nothing is started before the first call, and then what cannot be started is misconfigured") {
    const TempDir directory;
    directory.write("plain", "#!/bin/sh\n");
    const auto file = directory.path("plain").string();
    for (const auto& [yaml, complaint] : std::vector<std::pair<std::string, std::string>>{
             {"command: [/no/such/program]", "cannot start program \"/no/such/program\": No such file or directory"},
             {"command: [no-such-program-anywhere]", "\"no-such-program-anywhere\": No such file or directory"},
             {"command: [" + file + "]", "\"" + file + "\": Permission denied"},
             {"command: [/bin/true]\ndirectory: /no/such/place", "directory \"/no/such/place\": No such file"}}) {
        const auto target = load_target("target-exec", yaml);
        CHECK_FALSE(target->identity().empty());
        CHECK_FALSE(target->serial());
        const auto error = failure_of(*target);
        CHECK(error.kind() == ErrorKind::misconfigured);
        CHECK(says(error, complaint));
    }
}

TEST_CASE("exec: a program is found relative to the configuration, and runs there") {
    const TempDir directory;
    const auto file = directory.write("bin/mine",
                                      "#!/bin/sh\nread hello\necho '{\"hello\":\"sh\",\"protocol\":1}'\nread line\n"
                                      "echo '{\"log\":\"info\",\"message\":\"in '$(pwd)'\"}'\n"
                                      "echo '{\"id\":1,\"result\":{\"units\":[]}}'\n");
    REQUIRE(::chmod(file.c_str(), 0700) == 0);
    std::filesystem::create_directory(directory.path("elsewhere"));
    for (const auto& [setting, place] : std::vector<std::pair<std::string, std::filesystem::path>>{
             {"", directory.path()}, {"directory: elsewhere", directory.path("elsewhere")}}) {
        TestCall call;
        load_target("target-exec", settings_from("command: [bin/mine]\n" + setting, directory.path()))->list(call);
        CHECK(holds(call.log().text(), "info: in " + place.string() + '\n'));
    }
}

TEST_CASE("exec: a program is looked up in the PATH that it gets") {
    const TempDir directory;
    for (const auto* const place : {"one", "two"}) {
        write_program(directory, std::string(place) + "/mine",
                      "#!/bin/sh\nread hello; echo '{\"error\":{\"kind\":\"rejected\",\"message\":\"" +
                          std::string(place) + " as '${0##*/}'\"}}'\n");
    }
    directory.write("plain/mine", "");
    const auto failure_with = [&](const std::string& path) {
        return failure_of(*load_target(
            "target-exec",
            settings_from("command: [mine]\nenvironment: {PATH: '" + path + "'}\nrestart_pause: 0", directory.path())));
    };
    CHECK(says(failure_with("/bin:" + directory.path("two").string()), "program \"mine\": two as mine"));
    CHECK(says(failure_with("two:one"), ": two as mine"));
    CHECK(says(failure_with("nowhere:plain:one:two"), ": one as mine"));
    CHECK(says(failure_with("plain"), "cannot start program \"mine\": Permission denied"));
    CHECK(says(failure_with(""), "cannot start program \"mine\": No such file or directory"));
    CHECK(failure_with("plain").kind() == ErrorKind::misconfigured);
}

TEST_CASE("exec: a program gets its own variables and harmless ones, its settings, and no descriptor but three") {
    const TempDir directory;
    ::setenv("DEPLOYER_TEST_TOKEN", "secret", 1);
    ::setenv("LC_TIME", "C", 1);
    directory.write("password", "from a file\n");
    const auto target = load_odd({"report=report"},
                                 "environment: {TOKEN: '${DEPLOYER_TEST_TOKEN}', PASSWORD_file: password, HOME: /x}\n"
                                 "settings: {version: 1.10, on: true, nothing: , list: [a, {b: \"c\\\"\\n\"}]}\n",
                                 directory.path());
    const TestCall call;
    target->list(call);
    ::unsetenv("DEPLOYER_TEST_TOKEN");
    const auto lines = lines_of(directory, "report");
    CHECK(with_start(lines, "variable DEPLOYER_TEST").empty());
    CHECK(with_start(lines, "variable TOKEN=") == std::vector<std::string>{"secret"});
    CHECK(with_start(lines, "variable PASSWORD=") == std::vector<std::string>{"from a file"});
    CHECK(with_start(lines, "variable HOME=") == std::vector<std::string>{"/x"});
    CHECK(with_start(lines, "variable LC_TIME=") == std::vector<std::string>{"C"});
    CHECK(with_start(lines, "variable PATH=").size() == 1);
    CHECK(with_start(lines, "directory ") == std::vector<std::string>{directory.path().string()});
    // The program uses the fourth descriptor to list its descriptors.
    CHECK(with_start(lines, "descriptor ").size() == 4);
    CHECK(with_start(lines, "hello ") ==
          std::vector<std::string>{R"({"hello":"coco-fleet-deployer","protocol":1,"settings":)"
                                   R"({"version":"1.10","on":"true","nothing":null,"list":["a",{"b":"c\"\n"}]}})"});
}

TEST_CASE("exec: the identity tells command lines and settings apart, without showing them") {
    const auto identity_of = [](const std::string& yaml) { return load_target("target-exec", yaml)->identity(); };
    const auto one = identity_of("command: [/bin/x, --token=abc]");
    CHECK(holds(one, "exec:/bin/x#"));
    CHECK_FALSE(holds(one, "abc"));
    CHECK(one == identity_of("command: [/bin/x, --token=abc]\nenvironment: {A: b}\nrestart_pause: 1m"));
    CHECK(one != identity_of("command: [/bin/x, --token=abd]"));
    CHECK(one != identity_of("command: [/bin/x, --token=abc, '']"));
    CHECK(one != identity_of("command: [/bin/x, --token=abc]\nsettings: {cluster: b}"));
    CHECK(one != identity_of("command: [/bin/x, --token=abc]\ndirectory: /tmp"));
    CHECK(identity_of("command: [/bin/x]\nidentity: mine") == "mine");
    // The identity must not change with an upgrade of the deployer, which would lose its memory of the cluster.
    CHECK(identity_of("command: [/bin/x, y]\ndirectory: /tmp\nsettings: {a: [1, b]}") ==
          "exec:/bin/x#a3974b4d49f75874");
}

TEST_CASE("exec: a program that speaks for another cluster than before, or than it should, is misconfigured") {
    const TestCall call;
    const auto hello = std::string(R"(hello={"hello":"odd","protocol":1,"identity":"a"})");
    CHECK_NOTHROW(load_odd({hello}, "identity: a")->list(call));
    const auto error = failure_of(*load_odd({hello}, "identity: b"));
    CHECK(error.kind() == ErrorKind::misconfigured);
    CHECK(says(error, R"(odd-program" speaks for "a", while the setting "identity" says "b")"));

    const TempDir directory;
    const auto file =
        directory.write("moves",
                        "#!/bin/sh\nread hello\necho "
                        "\"{\\\"hello\\\":\\\"sh\\\",\\\"protocol\\\":1,\\\"identity\\\":\\\"$(cat name)\\\"}\"\n"
                        "read line; echo '{\"id\":1,\"result\":{\"units\":[]}}'\n");
    REQUIRE(::chmod(file.c_str(), 0700) == 0);
    directory.write("name", "one");
    const auto target = load_target("target-exec", settings_from("command: [./moves]", directory.path()));
    TestCall first;
    target->list(first);
    CHECK(first.log().holds("speaks for \"one\""));
    directory.write("name", "two");
    // The first process of the program ends by itself.
    Error moved(ErrorKind::internal, "");
    REQUIRE(eventually([&] {
        moved = failure_of(*target);
        return moved.kind() == ErrorKind::misconfigured;
    }));
    CHECK(says(moved, R"(speaks for "two", while it spoke before for "one")"));
}

TEST_CASE("exec: that a program speaks for another cluster is misconfigured to every call that waits for it",
          "[concurrent]") {
    const auto target =
        load_odd({R"(hello={"hello":"odd","protocol":1,"identity":"a"})"}, "identity: b\nrestart_pause: 0");
    std::atomic<int> misconfigured = 0;
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 5; ++round) {
                if (failure_of(*target).kind() == ErrorKind::misconfigured) ++misconfigured;
            }
        });
    }
    threads.clear();
    CHECK(misconfigured == 40);
}
