#include "support/fleet_double_calls.hpp"

#include <chrono>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

using namespace deployer;
using namespace deployer::fleet_double_calls;
using namespace std::chrono_literals;

TEST_CASE("fleet double: it refuses what fleet refuses, with fleet's statuses") {
    FleetDouble fleet;
    const std::string option = R"("options":[{"section":"Service","name":"ExecStart","value":"/bin/foo"}])";
    const auto error = [](int status, const std::string& message) {
        return std::to_string(status) + R"( {"error":{"code":)" + std::to_string(status) + R"(,"message":")" + message +
               R"("}})";
    };
    CHECK(put_raw(fleet, "foo.service", "{" + option + "}", "text/plain") ==
          error(415, "only acceptable Content-Type is application/json"));
    CHECK(put_raw(fleet, "foo.service", "{").starts_with("400 "));
    CHECK(put_raw(fleet, "foo.service", R"({"name":"bar.service",)" + option + "}").starts_with("400 "));
    CHECK(put_raw(fleet, "foo", "{" + option + "}").starts_with("400 "));
    CHECK(put_raw(fleet, "foo.service", "{}") == error(409, "unit does not exist and options field empty"));
    CHECK(put_raw(fleet, "foo.service", R"({"desiredState":"up",)" + option + "}") == error(500, ""));
    CHECK(put_raw(fleet, "foo.service",
                  R"({"options":[{"section":"S","name":"N","value":")" + std::string(2'046, 'x') + R"("}]})") ==
          error(500, ""));
    CHECK(fleet.names().empty());
    CHECK(put_raw(fleet, "foo.service",
                  R"({"options":[{"section":"S","name":"N","value":")" + std::string(2'045, 'x') + R"("}]})") ==
          "201 ");
    CHECK(put_raw(fleet, "foo.service", R"({"desiredState":"launched",)" + option + "}") == "201 ");
    CHECK(put_raw(fleet, "foo.service", R"({"desiredState":"launched",)" + option + "}") == "204 ");
    CHECK(put_raw(fleet, "foo.service", R"({"desiredState":"loaded"})") == "204 ");
    CHECK(put_raw(fleet, "foo.service", "{" + option + "}") ==
          error(409, "must provide DesiredState to update existing unit"));
}

TEST_CASE("fleet double: it looks at [X-Fleet] only of what it creates") {
    FleetDouble fleet;
    const auto body = [](const std::string& demands) {
        return R"({"desiredState":"loaded","options":[)" + demands + "]}";
    };
    const auto demand = [](const std::string& name, const std::string& value) {
        return R"({"section":"X-Fleet","name":")" + name + R"(","value":")" + value + R"("})";
    };
    const auto contradiction = body(demand("MachineID", "1") + "," + demand("Global", "true"));
    CHECK(put_raw(fleet, "foo.service", contradiction) ==
          R"(400 {"error":{"code":400,"message":"MachineID cannot be used with Global"}})");
    CHECK(put_raw(fleet, "foo.service", body(demand("MachineID", "1") + "," + demand("Global", "no"))) == "201 ");
    CHECK(put_raw(fleet, "foo.service", contradiction) == "201 ");
}

TEST_CASE("fleet double: a unit that it cannot read is in no listing, and all else about it is a 500") {
    FleetDouble fleet;
    add_nodes(fleet, 3);
    fleet.spoil("foo@2.service");
    const std::string error = R"(500 {"error":{"code":500,"message":""}})";
    CHECK(put_raw(fleet, "foo@2.service", R"({"desiredState":"loaded"})") == error);
    const auto head = [&](const std::string& method, const std::string& unit) {
        const auto request = method + " /fleet/v1/units/" + unit + " HTTP/1.1\r\nHost: x\r\n\r\n";
        return exchange(fleet.server().port(), request).substr(9, 3);
    };
    CHECK(head("GET", "foo@2.service") == "500");
    CHECK(head("DELETE", "foo@2.service") == "500");
    CHECK(head("GET", "foo@1.service") == "200");
    const TestCall call;
    CHECK(names_of(open_fleet(fleet)->list(call)) == std::vector<std::string>{"foo@1.service", "foo@3.service"});
    fleet.remove("foo@2.service");
    CHECK(head("GET", "foo@2.service") == "404");
}

TEST_CASE("fleet double: states over time are those of a real cluster") {
    FleetDouble fleet;
    const TestCall call;
    const auto target = open_fleet(fleet);
    const auto old = unit_running("foo.service", "/bin/sleep 2002");
    const auto unit = unit_running("foo.service", "/bin/sleep 2003");
    const auto old_hash = unit_file_hash(old.options);
    const auto hash = unit_file_hash(unit.options);
    const auto look = [&] { return fleet.current_state("foo.service") + ' ' + fleet.version_of("foo.service"); };

    // A new unit first gets a machine. The machine's agent sees the unit at its next tick, and reports it a second
    // later.
    target->apply(old, call);
    fleet.advance(2'999ms);
    CHECK(look() == "inactive ");
    fleet.advance(1ms);
    CHECK(look() == "launched " + old_hash);

    // The agent sees new content at its next tick. The old process ends; that makes the agent fail, because it has no
    // such unit any more, and it goes on at the following tick.
    target->apply(unit, call);
    CHECK(fleet.find("foo.service") == unit);
    fleet.advance(3'999ms);
    CHECK(look() == "launched " + old_hash);
    fleet.advance(2ms);
    CHECK(look() == "loaded " + old_hash);
    fleet.advance(999ms);
    CHECK(look() == "inactive ");
    CHECK_FALSE(fleet.process("foo.service"));
    fleet.advance(4'999ms);
    CHECK(look() == "inactive ");
    fleet.advance(1ms);
    CHECK(look() == "launched " + hash);
    CHECK(fleet.process("foo.service")->content == hash);

    target->destroy("foo.service", call);
    CHECK(fleet.names().empty());
    CHECK(look() == "inactive " + hash);
    CHECK(fleet.runs("foo.service"));
    fleet.advance(5s);
    CHECK(look() == "inactive ");
    CHECK_FALSE(fleet.runs("foo.service"));
}

TEST_CASE("fleet double: units that systemd has forgotten are unloaded one a tick") {
    FleetDouble fleet({.machines = 1});
    add_nodes(fleet, 4);
    for (int node = 1; node <= 4; ++node) {
        put_unit(fleet, unit_running("foo@" + std::to_string(node) + ".service", "/bin/new"));
    }
    const auto count_new = [&] {
        int count = 0;
        for (const auto& unit : fleet.units()) {
            const auto process = fleet.process(unit.name);
            count += process && process->content == unit_file_hash(unit.options) ? 1 : 0;
        }
        return count;
    };
    fleet.advance(20s);
    CHECK(count_new() == 0);
    fleet.advance(5s);
    CHECK(count_new() == 4);
    CHECK(fleet.lies().empty());
}

TEST_CASE("fleet double: a sidekick is on its node's machine, or on none; conflicts are kept apart") {
    FleetDouble fleet({.machines = 3});
    put_unit(fleet, sidekick_of_foo(2, "/bin/s", "/bin/true"));
    fleet.settle();
    CHECK(fleet.current_state("foo-sidekick@2.service") == "inactive");
    for (int node = 1; node <= 4; ++node) {
        auto unit = unit_running("foo@" + std::to_string(node) + ".service", "/bin/foo");
        unit.options.push_back({"X-Fleet", "Conflicts", "foo@*.service"});
        put_unit(fleet, unit);
    }
    fleet.settle();
    CHECK(fleet.process("foo-sidekick@2.service")->machine == fleet.process("foo@2.service")->machine);
    CHECK(fleet.process("foo@1.service")->machine != fleet.process("foo@2.service")->machine);
    CHECK(fleet.lies() == std::vector<std::string>{"foo@4.service is to run, but on no machine"});
    fleet.remove("foo@2.service");
    fleet.settle();
    CHECK(fleet.truth("foo@4.service") == "active (running)");
    CHECK(fleet.current_state("foo-sidekick@2.service") == "inactive");
    CHECK_FALSE(fleet.process("foo-sidekick@2.service"));
    CHECK_FALSE(fleet.process("foo@2.service"));
}

TEST_CASE("fleet double: when one machine unloads a global unit, what all of them said is forgotten for a while") {
    FleetDouble fleet({.machines = 2});
    auto unit = unit_running("foo.service", "/bin/v1");
    unit.options.push_back({"X-Fleet", "Global", "true"});
    fleet.add(unit);
    unit.options[0].value = "/bin/v2";
    put_unit(fleet, unit);
    fleet.settle();
    CHECK(fleet.lies().empty());
    CHECK(fleet.version_of("foo.service") == unit_file_hash(unit.options));
}

TEST_CASE("fleet double: what is bound to a unit that dies goes down, and fleet does nothing about either") {
    FleetDouble fleet;
    fleet.add(unit_running("foo@1.service", "/bin/foo"));
    fleet.add(sidekick_of_foo(1, "/bin/s", "/bin/sleep 2"));
    fleet.crash("foo@1.service");
    fleet.settle();
    CHECK(fleet.truth("foo@1.service") == "failed (failed)");
    CHECK(fleet.truth("foo-sidekick@1.service") == "inactive (dead)");
    CHECK(fleet.current_state("foo@1.service") == "launched");
    CHECK_FALSE(fleet.runs("foo@1.service"));
}

TEST_CASE("fleet double: what its units come to") {
    FleetDouble fleet;
    fleet.behave("bad*", Behaviour::fail);
    fleet.behave("again*", Behaviour::restart);
    fleet.behave("slow*", Behaviour::hang);
    fleet.behave("masked*", Behaviour::masked);
    fleet.behave("bad-but-mended*", Behaviour::run);
    const auto target = open_fleet(fleet);
    const TestCall call;
    const std::vector<std::pair<std::string, std::string>> cases{
        {"again.service", "waiting: activating (auto-restart)"}, {"slow.service", "waiting: activating (start)"},
        {"bad-but-mended.service", "ready: active (running)"},   {"bad.service", "failed: failed (failed)"},
        {"masked.service", "failed: load state masked"},
    };
    for (const auto& [name, answer] : cases) target->apply(unit_running(name, "/bin/x"), call);
    fleet.settle();
    // The deadline leaves no time for a second look at failed units.
    const TestCall hasty(2s);
    for (const auto& [name, answer] : cases) {
        CHECK(fleet.current_state(name) == "launched");
        CHECK(text_of(target->status(unit_running(name, "/bin/x"), hasty)) == answer);
    }
}

TEST_CASE("fleet double: it knows how many units were down at once") {
    FleetDouble fleet;
    add_nodes(fleet, 3);
    const std::vector<std::string> nodes{"foo@1.service", "foo@2.service", "foo@3.service"};
    const TestCall call;
    const auto target = open_fleet(fleet);
    const auto since = fleet.now();
    CHECK(fleet.most_down(nodes, since) == 0);
    target->apply(unit_running("foo@1.service", "/bin/new"), call);
    fleet.settle();
    CHECK(fleet.most_down(nodes, since) == 1);
    target->apply(unit_running("foo@2.service", "/bin/new"), call);
    fleet.advance(3s);
    CHECK(fleet.most_down(nodes, since) == 1);
    target->apply(unit_running("foo@3.service", "/bin/new"), call);
    fleet.settle();
    CHECK(fleet.most_down(nodes, since) == 2);
    CHECK(fleet.most_down({"foo@1.service"}, fleet.now()) == 0);
    CHECK(fleet.most_down({"absent.service"}, since) == 1);
}

TEST_CASE("fleet double: several live side by side, each of them drops and drips as it is told") {
    FleetDouble one;
    FleetDouble other;
    add_nodes(one, 1);
    add_nodes(other, 2);
    const TestCall call;
    one.set_fault(fault_on("GET /units", {.drop = true}, 1, 1));
    other.set_fault(fault_on("GET /units", {.drip = 1ms}));
    CHECK(open_fleet(one)->list(call).size() == 1);
    CHECK(one.count("GET /units") == 3);
    CHECK(open_fleet(other)->list(call).size() == 2);
    other.set_fault(fault_on("GET /units", {.status = 429, .headers = {{"Retry-After", "1"}}}, 3, 3));
    const auto before = std::chrono::steady_clock::now();
    CHECK(open_fleet(other)->list(call).size() == 2);
    CHECK(std::chrono::steady_clock::now() - before >= 1s);
}
