#include "support/catch.hpp"
#include "support/exec_target.hpp"
#include "support/holds.hpp"
#include "support/program.hpp"
#include "support/thrown_error.hpp"

#include <deployer/error.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

const Unit foo{"foo.service", {{"Service", "ExecStart", "/bin/foo"}}, DesiredState::launched};

Error refusal_of(const std::string& yaml) {
    return thrown_by([&] { (void)load_target("target-exec", yaml); });
}

/// What the first call ends with.
Error failure_of(Target& target) {
    const TestCall call;
    return thrown_by([&] { target.status(foo, call); });
}

std::vector<std::string> lines_of(const TempDir& directory, const std::string& file) {
    std::vector<std::string> lines;
    std::ifstream in(directory.path(file));
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::vector<std::string> with_start(const std::vector<std::string>& lines, const std::string& start) {
    std::vector<std::string> found;
    for (const auto& line : lines) {
        if (line.starts_with(start)) found.push_back(line.substr(start.size()));
    }
    return found;
}

bool is_running(const std::string& pid) {
    return ::kill(std::stoi(pid), 0) == 0;
}

std::filesystem::path write_program(const TempDir& directory, const std::string& file, const std::string& text) {
    auto path = directory.write(file, text);
    if (::chmod(path.c_str(), 0700) != 0) throw std::runtime_error("cannot make it executable");
    return path;
}

}  // namespace

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
    // The fourth is what it looks with.
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
    // What a deployer remembers of a cluster is to outlive its own upgrades.
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
    // The first life ends by itself.
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

TEST_CASE("exec: a program that does not introduce itself as it should fails the call that started it") {
    struct Case {
        std::string hello;
        ErrorKind kind;
        std::string complaint;
    };
    for (const auto& [hello, kind, complaint] : std::vector<Case>{
             {R"({"hello":"odd","protocol":2})", ErrorKind::misconfigured,
              "speaks protocol 2, while this deployer speaks 1"},
             {R"({"error":{"kind":"misconfigured","message":"no path"}})", ErrorKind::misconfigured, ": no path"},
             {R"({"error":{"kind":"unavailable","message":"no net"}})", ErrorKind::unavailable, ": no net"},
             {R"({"hello":"odd"})", ErrorKind::unavailable, "protocol is missing"},
             {R"({"hello":"odd","protocol":"1"})", ErrorKind::unavailable, "protocol is no whole number"},
             {R"({"hello":"odd","protocol":true})", ErrorKind::unavailable, "protocol is no whole number"},
             {R"({"hello":"odd","protocol":1.0})", ErrorKind::unavailable, "protocol is no whole number"},
             {R"({"hello":"odd","protocol":-1})", ErrorKind::unavailable, "protocol is no whole number"},
             {R"({"hello":"odd","protocol":1,"concurrent":0})", ErrorKind::unavailable, "concurrent is 0"},
             {R"({"hello":"odd","protocol":1,"concurrent":"yes"})", ErrorKind::unavailable, "concurrent is no whole"},
             {R"({"hello":"odd","protocol":1,"identity":7})", ErrorKind::unavailable, "identity is no text"},
             {R"({"hello":"odd","protocol":1,"methods":["list"]})", ErrorKind::unavailable, "methods lacks \"apply\""},
             {R"({"hello":"odd","protocol":1,"methods":[1]})", ErrorKind::unavailable, "methods[0] is no text"},
             {R"({"hello":"odd","protocol":1,"error":{"kind":"misconfigured","message":"no path"}})",
              ErrorKind::unavailable, "wrote a line with both a hello and an error"},
             {R"({"id":1,"result":{}})", ErrorKind::unavailable, "answered call 1, which is not under way"},
             {"Hello!", ErrorKind::unavailable, "wrote what is no JSON: \"Hello!\""}}) {
        INFO(hello);
        const auto error = failure_of(*load_odd({"hello=" + hello}));
        CHECK(error.kind() == kind);
        CHECK(says(error, complaint));
    }
}

TEST_CASE("exec: a program that says nothing, or ends at once, fails the call that started it") {
    const auto silent = load_odd({"hello="}, "start_timeout: 100ms");
    CHECK(says(failure_of(*silent), "did not say hello within its start_timeout"));
    const auto ended = load_target("target-exec", "command: [sh, -c, 'exit 7']");
    CHECK(says(failure_of(*ended), "program \"sh\" exited with 7 before it said hello"));

    // A caller that has no time does not end what is still starting.
    const TempDir directory;
    const auto starting = load_odd({"hello=", "starts=starts"}, "", directory.path());
    for (int i = 0; i < 2; ++i) {
        const TestCall call(50ms);
        const auto error = thrown_by([&] { starting->list(call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "did not finish in time"));
    }
    CHECK(lines_of(directory, "starts").size() <= 1);
}

TEST_CASE("exec: an error of the program arrives as it is") {
    for (const auto& [word, kind] :
         std::vector<std::pair<std::string, ErrorKind>>{{"unavailable", ErrorKind::unavailable},
                                                        {"rejected", ErrorKind::rejected},
                                                        {"not_found", ErrorKind::not_found},
                                                        {"misconfigured", ErrorKind::misconfigured},
                                                        {"internal", ErrorKind::internal},
                                                        {"cancelled", ErrorKind::internal},  // nobody cancelled it
                                                        {"new-kind", ErrorKind::internal}}) {
        const auto target = load_odd(
            {R"(answer={"id":@,"error":{"kind":")" + word + R"(","message":"a\u001bb","retry_after_ms":70}})"});
        const auto error = failure_of(*target);
        CHECK(error.kind() == kind);
        CHECK(says(error, "odd-program\": a\\x1bb"));
        if (kind == ErrorKind::unavailable) CHECK(error.retry_after() == 70ms);
        // It lives on.
        CHECK(failure_of(*target).kind() == kind);
    }
}

TEST_CASE("exec: an answer is one whatever else is in it") {
    const std::string readiness = R"({"readiness":"waiting"})";
    for (const auto& extra : {R"("log":"info","message":"done")", R"("log":7)", R"("error":null)", R"("hello":"odd")",
                              R"("method":"status","jsonrpc":"2.0")"}) {
        INFO(extra);
        const TestCall call;
        const auto target = load_odd({R"(status={"id":@,"result":)" + readiness + "," + extra + "}"});
        CHECK(target->status(foo, call).readiness == Readiness::waiting);
        const auto refusing =
            load_odd({R"(status={"id":@,"error":{"kind":"rejected","message":"no"},"result":null,"log":"info"})"});
        CHECK(failure_of(*refusing).kind() == ErrorKind::rejected);
    }
    const auto hello = load_odd({R"(hello={"hello":"odd","protocol":1,"error":null,"result":null})"});
    CHECK_NOTHROW(hello->list(TestCall()));
    TestCall call;
    load_odd({R"(before={"log":"info","message":"noted","id":1,"error":null})"})->list(call);
    CHECK(call.log().holds("info: noted"));
}

TEST_CASE("exec: what is none of the protocol ends the program, and the next call starts it anew") {
    struct Case {
        std::string answer;
        std::string complaint;
    };
    const auto status = [](const std::string& text) { return R"({"id":@,"result":)" + text + "}"; };
    for (const auto& [answer, complaint] :
         std::vector<Case>{{"nonsense\\x1b[31m", R"(wrote what is no JSON: "nonsense\x1b[31m")"},
                           {R"("\xff")", R"(wrote what is not UTF-8: '"\xff"')"},
                           {"", "wrote what is no JSON: \"\""},
                           {"[]", "wrote a line in which the whole is no object"},
                           {"7", "wrote"},
                           {"{}", "wrote neither an answer nor anything else known: \"{}\""},
                           {R"({"id":@})", "wrote neither an answer"},
                           {R"({"id":@,"error":null})", "wrote neither an answer"},
                           {R"({"id":@,"result":{},"error":{"kind":"rejected","message":"x"}})",
                            "wrote a line with both a result and an error"},
                           {R"({"id":"@","result":{}})", "id is no whole number"},
                           {R"({"id":-1,"result":{}})", "id is no whole number from 0"},
                           {R"({"id":3000000000,"result":{}})", "answered call 3000000000, which is not under way"},
                           {R"({"id":18446744073709551615,"result":{}})", "answered call 18446744073709551615, which"},
                           {R"({"id":1,"result":"\ud800"})", "wrote"},
                           {std::string(100'000, '['), "wrote what is no JSON: \"[[["},
                           {R"({"id":99,"result":{}})", "answered call 99, which is not under way"},
                           {R"({"id":99999999999999999999999,"result":{}})", "wrote"},
                           {R"({"error":{"kind":"rejected","message":"x"}})", "wrote an error without an id"},
                           {R"({"id":@,"error":"x"})", "error is no object"},
                           {R"({"id":@,"error":{"message":"x"}})", "error.kind is missing"},
                           {R"({"id":@,"error":{"kind":"rejected"}})", "error.message is missing"},
                           {R"({"id":@,"result":{},"result":{}})", "wrote the key \"result\" twice in one object"},
                           {R"({"log":"info"})", "message is missing"},
                           {R"({"hello":"odd","protocol":1})", "said hello a second time"},
                           {status("null"), "result is no object"},
                           {status("{}"), "result.readiness is missing"},
                           {status(R"({"readiness":true})"), "result.readiness is no text"},
                           {status(R"({"readiness":"fine"})"), R"(result.readiness is "fine", which is no readiness)"},
                           {status(R"({"readiness":"ready","detail":[]})"), "result.detail is no text"}}) {
        INFO(answer);
        const TempDir directory;
        const auto target = load_odd({"status=" + answer, "starts=starts"}, "restart_pause: 0", directory.path());
        const auto error = failure_of(*target);
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, complaint));
        const TestCall call;
        CHECK(target->list(call).empty());
        CHECK(lines_of(directory, "starts").size() == 2);
    }
}

TEST_CASE("exec: a listing is complete or an error", "[R7]") {
    const auto listing = [](const std::string& units) { return R"(list={"id":@,"result":{"units":)" + units + "}}"; };
    const auto unit = [](const std::string& name) {
        return R"({"name":")" + name + R"(","options":[],"desiredState":"launched"})";
    };
    const TestCall call;
    const auto good = load_odd({listing(
        R"([{"name":"a.service","options":[{"section":"S","name":"N"}],"desiredState":"loaded","currentState":"x"}])")});
    const auto units = good->list(call);
    REQUIRE(units.size() == 1);
    CHECK(units[0].unit == Unit{"a.service", {{"S", "N", ""}}, DesiredState::loaded});
    CHECK(units[0].current_state == "x");
    for (
        const auto& [text, complaint] : std::vector<std::pair<std::string, std::string>>{
            {"[" + unit("a.service") + "," + unit("a.service") + "]", "the listing has \"a.service\" twice"},
            {R"([{"name":"a.service","options":[{"section":"S","name":"N","value":"\ud800"}],"desiredState":"loaded"}])",
             "wrote what is no JSON"},
            {"[" + unit("../x") + "]", "the listing has a unit \"../x\", whose name "},
            {"{}", "result.units is no array"},
            {"null", "result.units is no array"},
            {"[7]", "result.units[0] is no object"},
            {"[" + unit("a.service") + R"(,{"name":"b.service","desiredState":"launched"}])",
             "result.units[1].options is missing"},
            {R"([{"name":"a.service","options":[{"section":"S"}],"desiredState":"loaded"}])",
             "result.units[0].options[0].name is missing"},
            {R"([{"name":"a.service","options":[]}])", "result.units[0].desiredState is missing"},
            {R"([{"name":"a.service","options":[],"desiredState":"up"}])",
             "result.units[0].desiredState is none of"}}) {
        INFO(text);
        const auto bad = load_odd({listing(text)});
        const auto error = thrown_by([&] { bad->list(call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, complaint));
    }
}

TEST_CASE("exec: a program that ends fails its calls with how, and is started anew by the next one") {
    for (const auto& [behaviour, complaint] : std::vector<std::pair<std::string, std::string>>{
             {"exit-at=2", "odd-program\" exited with 3"},
             {"crash-at=2", "odd-program\" was ended by signal 11 (Segmentation fault)"},
             {"half-at=2", "odd-program\" exited with 0"}}) {
        const TempDir directory;
        const auto target = load_odd({behaviour, "starts=starts"}, "", directory.path());
        const TestCall call;
        target->list(call);
        const auto error = failure_of(*target);
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, complaint));
        CHECK(target->status(foo, call).readiness == Readiness::ready);
        CHECK(lines_of(directory, "starts").size() == 2);
    }
}

TEST_CASE("exec: where something else buries the program, its calls fail all the same") {
    const auto former = std::signal(SIGCHLD, SIG_IGN);
    const auto target = load_odd({"exit-at=1"}, "restart_pause: 0");
    const std::vector<std::string> failures{failure_of(*target).what(), failure_of(*target).what()};
    std::signal(SIGCHLD, former);
    for (const auto& failure : failures) CHECK(holds(failure, "odd-program\" is gone"));
}

TEST_CASE("exec: how a program ended is known, whatever the deployer was started with") {
    const TempDir directory;
    directory.write("source/services.yaml", "services: []\n");
    const auto config = directory.write("config.yaml",
                                        "source: {plugin: source-file, path: source, settle: 20ms}\n"
                                        "target: {plugin: target-exec, command: [sh, -c, exit 7]}\n"
                                        "cache: {plugin: cache-file, path: cache}\n");
    Program once({"--ignore-signal=CHLD", DEPLOYER_TEST_PROGRAM, "once", "--config", config.string()}, "/usr/bin/env");
    CHECK(once.wait() != 0);
    CHECK(holds(once.out() + once.err(), "program \"sh\" exited with 7 before it said hello"));
}

TEST_CASE("exec: a program that has closed its input ends no deployer by a signal") {
    const auto target = load_odd({"closes-input"}, "restart_pause: 0");
    for (int i = 0; i < 3; ++i) {
        const auto error = failure_of(*target);
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "closed its standard input"));
    }
}

TEST_CASE("exec: a program that ends over and over is waited with, longer and longer, until deadline or stop") {
    const TempDir directory;
    const auto target = load_odd({"exit-at=1", "starts=starts"}, "restart_pause: 150ms", directory.path());
    const auto begin = Clock::now();
    for (int i = 0; i < 4; ++i) CHECK(says(failure_of(*target), "exited with 3"));
    // After the first end it is started at once.
    CHECK(Clock::now() - begin >= 150ms + 300ms);
    CHECK(lines_of(directory, "starts").size() == 4);

    const auto patient = load_odd({"exit-at=1"}, "restart_pause: 1h");
    for (int i = 0; i < 2; ++i) CHECK(says(failure_of(*patient), "exited with 3"));
    std::string late;
    // Until then it may be the end of the program that there is no time to wait for.
    REQUIRE(eventually([&] {
        const TestCall hasty(50ms);
        const auto error = thrown_by([&] { patient->list(hasty); });
        late = error.what();
        return error.kind() == ErrorKind::unavailable && late.starts_with("waiting to start it again (program ");
    }));
    CHECK(holds(late, "exited with 3) did not finish in time"));
    TestCall stopped;
    std::jthread stopper([&] { stopped.request_stop(); });
    CHECK(thrown_by([&] { patient->list(stopped); }).kind() == ErrorKind::cancelled);
}

TEST_CASE("exec: a call ends at its deadline or a stop, whatever the program does") {
    const auto behaviour = GENERATE(as<std::string>(), "cancels", "ignores", "deaf");
    const bool stops = GENERATE(true, false);
    INFO(behaviour << stops);
    const TempDir directory;
    const auto target = load_odd({behaviour, "silent-at=1", "starts=starts"}, "", directory.path());
    TestCall call(stops ? 30'000ms : 100ms);
    // More than any pipe holds.
    const Unit large{"foo.service", {{"Service", "ExecStart", std::string(2'000'000, 'x')}}, DesiredState::launched};
    std::jthread stopper([&] {
        if (stops && eventually([&] { return !lines_of(directory, "starts").empty(); })) call.request_stop();
    });
    const auto begin = Clock::now();
    const auto error = thrown_by([&] { target->apply(large, call); });
    CHECK(Clock::now() - begin < 10s);
    CHECK(error.kind() == (stops ? ErrorKind::cancelled : ErrorKind::unavailable));
}

TEST_CASE("exec: a program that does not answer a call that was given up is ended, one that does lives on") {
    const TempDir directory;
    const TestCall call;
    const auto fail_hastily = [](Target& target) {
        const TestCall hasty(100ms);
        return thrown_by([&] { target.status(foo, hasty); });
    };
    const auto lives = [&] { return lines_of(directory, "starts").size(); };

    const auto deaf = load_odd({"silent-at=2", "starts=starts"}, "", directory.path());
    deaf->list(call);
    CHECK(says(fail_hastily(*deaf), "odd-program\" did not answer in time"));
    deaf->list(call);
    CHECK(lives() == 2);

    directory.remove("starts");
    const auto obedient = load_odd({"silent-at=1", "cancels", "starts=starts"}, "", directory.path());
    const auto is_answered = [&] {
        const std::string message = fail_hastily(*obedient).what();
        return message.starts_with("program ") && message.ends_with(" did not finish in time");
    };
    // On a busy machine even the answer to a cancel may come too late.
    CHECK(eventually([&] {
        const auto before = lives();
        return is_answered() && is_answered() && lives() == std::max<std::size_t>(before, 1);
    }));
}

TEST_CASE("exec: a call that is cancelled or late from the start reaches no program") {
    const TempDir directory;
    const auto target = load_odd({"starts=starts"}, "", directory.path());
    TestCall stopped;
    stopped.request_stop();
    CHECK(thrown_by([&] { target->list(stopped); }).kind() == ErrorKind::cancelled);
    const TestCall late(0ms);
    CHECK(thrown_by([&] { target->list(late); }).kind() == ErrorKind::unavailable);
    CHECK_FALSE(directory.exists("starts"));
}

TEST_CASE("exec: a line without end is no reason to take memory without end") {
    const auto target = load_odd({"huge-at=1"});
    CHECK(says(failure_of(*target), "wrote a line of more than 33554432 bytes: \"xxxx"));
}

TEST_CASE("exec: a line within its limit that comes to too much in memory ends the program") {
    const TempDir directory;
    std::string units = "{}";
    for (int i = 0; i < 1'100'000; ++i) units += ",7";
    directory.write("answer", R"({"id":1,"result":{"units":[)" + units + "]}}\n");
    write_program(
        directory, "mine",
        "#!/bin/sh\nread hello\necho '{\"hello\":\"sh\",\"protocol\":1}'\nread line\ncat answer\nread line\n");
    const auto target = load_target("target-exec", settings_from("command: [./mine]", directory.path()));
    CHECK(says(failure_of(*target), "wrote a line of more than 1000000 values"));
}

TEST_CASE("exec: the program and what it started end with the target, even those that do not want to") {
    const auto behaviour = GENERATE(as<std::string>(), "usual", "stubborn", "deaf", "silent-at=1");
    const TempDir directory;
    auto target = load_odd({behaviour, "starts=starts", "child=child"}, "", directory.path());
    const TestCall call(behaviour == "deaf" || behaviour == "silent-at=1" ? 100ms : 30'000ms);
    try {
        target->list(call);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unavailable);
    }
    REQUIRE(eventually([&] { return !lines_of(directory, "child").empty(); }));
    const auto begin = Clock::now();
    target.reset();
    CHECK(Clock::now() - begin < 8s);
    for (const auto& pid : lines_of(directory, "starts")) CHECK_FALSE(is_running(pid));
    const auto child = lines_of(directory, "child").front();
    // It is somebody else's to bury.
    CHECK(eventually([&] {
        std::ifstream stat("/proc/" + child + "/stat");
        std::string text;
        return !std::getline(stat, text) || text.find(") Z ") != std::string::npos;
    }));
}

TEST_CASE("exec: what the program says goes into the log of a call") {
    TestCall call;
    const auto target = load_odd({"says=a\\x1b[31mb", R"(before={"log":"warning","message":"look\nhere"})"});
    target->list(call);
    CHECK(call.log().holds("warning: look\\x0ahere"));
    // The two streams have no order.
    CHECK(eventually([&] {
        target->list(call);
        return call.log().holds("info: a\\x1b[31mb");
    }));
    CHECK(says(failure_of(*load_odd({R"(before={"log":7,"message":"x"})"})), "log is no text"));

    SECTION("what it says between two calls, into that of the next one") {
        const auto slow = load_odd({"says-after=later"});
        TestCall first;
        slow->list(first);
        CHECK(eventually([&] {
            slow->list(first);
            return first.log().holds("info: later");
        }));
    }
    SECTION("what it says too much is counted") {
        const auto loud = load_odd({"says-much"});
        TestCall loud_call;
        loud->list(loud_call);
        CHECK(eventually([&] {
            const TestCall quiet;
            try {
                loud->list(loud_call);
            } catch (const Error&) {
                return false;
            }
            return loud_call.log().holds("lines of the program are left out here");
        }));
        CHECK(loud_call.log().holds("info: line 0"));
        CHECK(loud_call.log().lines().size() < 900);
    }
}

TEST_CASE("exec: last words of a program that dies are in the log before its call has failed") {
    const auto target = load_target("target-exec", "command: [sh, -c, 'echo no such module >&2; exit 1']");
    TestCall call;
    CHECK(says(thrown_by([&] { target->list(call); }), "exited with 1"));
    CHECK(call.log().holds("info: no such module"));
}

TEST_CASE("exec: a program without set_desired_state is listed and applied instead") {
    const std::string hello = R"(hello={"hello":"odd","protocol":1,"methods":["list","apply","destroy","status"]})";
    const std::string list =
        R"(list={"id":@,"result":{"units":[{"name":"foo.service","options":[],"desiredState":"loaded"}]}})";
    const TestCall call;
    const auto target = load_odd({hello, list, "exit-at=4"});
    target->set_desired_state("foo.service", DesiredState::loaded, call);    // lists
    target->set_desired_state("foo.service", DesiredState::launched, call);  // lists and applies
    CHECK(says(thrown_by([&] { target->list(call); }), "exited with 3"));
    CHECK(thrown_by([&] { target->set_desired_state("bar.service", DesiredState::loaded, call); }).kind() ==
          ErrorKind::not_found);
}

TEST_CASE("exec: what is not UTF-8 is rejected") {
    const TestCall call;
    const Unit odd{"foo.service", {{"Service", "ExecStart", "\xff"}}, DesiredState::launched};
    CHECK(thrown_by([&] { load_odd({})->apply(odd, call); }).kind() == ErrorKind::rejected);
}

TEST_CASE("exec: calls from many threads go to a program as many at once as it takes", "[concurrent][R8]") {
    const auto [hello, reverse] = GENERATE(table<std::string, std::string>({{"", "reverse=1"},
                                                                            {R"(,"concurrent":false)", "reverse=1"},
                                                                            {R"(,"concurrent":4)", "reverse=4"},
                                                                            {R"(,"concurrent":true)", "reverse=8"}}));
    const auto target = load_odd({R"(hello={"hello":"odd","protocol":1)" + hello + "}", reverse,
                                  R"(status={"id":@,"result":{"readiness":"waiting","detail":"@"}})"});
    const TestCall call;
    std::atomic<int> left = 32;
    std::mutex mutex;
    std::set<std::string> details;
    std::vector<std::string> failures;
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            while (left-- > 0) {
                try {
                    const auto detail = target->status(foo, call).detail;
                    const std::scoped_lock lock(mutex);
                    details.insert(detail);
                } catch (const Error& error) {
                    const std::scoped_lock lock(mutex);
                    failures.emplace_back(error.what());
                }
            }
        });
    }
    threads.clear();
    CHECK(failures.empty());
    CHECK(details.size() == 32);
}

TEST_CASE("exec: threads survive a program that ends among them, and a call that waits for its turn can be cancelled",
          "[concurrent]") {
    const auto target =
        load_odd({R"(hello={"hello":"odd","protocol":1,"concurrent":true})", "exit-at=20"}, "restart_pause: 0");
    const TestCall call;
    std::atomic<int> answered = 0;
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int done = 0; done < 20;) {
                try {
                    target->status(foo, call);
                    ++done;
                    ++answered;
                } catch (const Error&) {
                    continue;
                }
            }
        });
    }
    threads.clear();
    CHECK(answered == 160);

    const auto busy = load_odd({"silent-at=1", "cancels"});
    TestCall first;
    TestCall second;
    std::atomic<int> cancelled = 0;
    for (auto* const one : {&first, &second}) {
        threads.emplace_back([&, one] {
            try {
                busy->status(foo, *one);
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::cancelled) ++cancelled;
            }
        });
    }
    second.request_stop();
    first.request_stop();
    threads.clear();
    CHECK(cancelled == 2);
}
