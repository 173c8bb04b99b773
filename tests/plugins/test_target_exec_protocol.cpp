#include "support/exec_program.hpp"

#include <chrono>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

using namespace deployer;
using namespace deployer::exec_target;
using namespace std::chrono_literals;

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
             {"Hello!", ErrorKind::unavailable, "wrote a line that is not JSON: \"Hello!\""}}) {
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

    // A call that runs out of time does not end a program that is still starting.
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
        // The program goes on after its answer.
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
         std::vector<Case>{{"nonsense\\x1b[31m", R"(wrote a line that is not JSON: "nonsense\x1b[31m")"},
                           {R"("\xff")", R"(wrote a line that is not UTF-8: '"\xff"')"},
                           {"", "wrote a line that is not JSON: \"\""},
                           {"[]", "wrote a line in which the whole is no object"},
                           {"7", "wrote"},
                           {"{}", "wrote a line that is neither an answer nor another known message: \"{}\""},
                           {R"({"id":@})", "wrote a line that is neither an answer"},
                           {R"({"id":@,"error":null})", "wrote a line that is neither an answer"},
                           {R"({"id":@,"result":{},"error":{"kind":"rejected","message":"x"}})",
                            "wrote a line with both a result and an error"},
                           {R"({"id":"@","result":{}})", "id is no whole number"},
                           {R"({"id":-1,"result":{}})", "id is no whole number from 0"},
                           {R"({"id":3000000000,"result":{}})", "answered call 3000000000, which is not under way"},
                           {R"({"id":18446744073709551615,"result":{}})", "answered call 18446744073709551615, which"},
                           {R"({"id":1,"result":"\ud800"})", "wrote"},
                           {std::string(100'000, '['), "wrote a line that is not JSON: \"[[["},
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
             "wrote a line that is not JSON"},
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
             R"(result.units[0].desiredState is "up", none of)"}}) {
        INFO(text);
        const auto bad = load_odd({listing(text)});
        const auto error = thrown_by([&] { bad->list(call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, complaint));
    }
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
