#include "support/catch.hpp"
#include "support/fleet_double.hpp"
#include "support/fleet_target.hpp"
#include "support/holds.hpp"
#include "support/program.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"

#include <deployer/error.hpp>
#include <deployer/unit_file.hpp>

#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;
using Behaviour = FleetDouble::Behaviour;

Unit oneshot(std::string name) {
    auto unit = unit_running(std::move(name), "/bin/foo");
    unit.options.push_back({"Service", "Type", "oneshot"});
    return unit;
}

Unit global(std::string name) {
    auto unit = unit_running(std::move(name), "/bin/foo");
    unit.options.push_back({"X-Fleet", "Global", "true"});
    return unit;
}

}  // namespace

TEST_CASE("fleet: the status of a launched unit follows what its machine says") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    struct Case {
        const char* load;
        const char* active;
        const char* sub;
        const char* answer;
    };
    const auto table = GENERATE(Case{"loaded", "active", "running", "ready: active (running)"},
                                Case{"loaded", "active", "exited", "ready: active (exited)"},
                                Case{"loaded", "active", "waiting", "ready: active (waiting)"},
                                Case{"loaded", "active", "listening", "ready: active (listening)"},
                                Case{"loaded", "active", "mounted", "ready: active (mounted)"},
                                Case{"loaded", "activating", "start", "waiting: activating (start)"},
                                Case{"loaded", "activating", "start-pre", "waiting: activating (start-pre)"},
                                Case{"loaded", "activating", "auto-restart", "waiting: activating (auto-restart)"},
                                Case{"loaded", "reloading", "reload", "waiting: reloading (reload)"},
                                Case{"loaded", "deactivating", "stop-sigterm", "waiting: deactivating (stop-sigterm)"},
                                Case{"loaded", "inactive", "dead", "waiting: inactive (dead)"});
    const auto unit = unit_running("foo.service", "/bin/foo");
    fleet.add(unit);
    fleet.show("foo.service", {{.load = table.load, .active = table.active, .sub = table.sub}});
    CHECK(text_of(target->status(unit, call)) == table.answer);
    CHECK(fleet.requests() == Lines{"GET /state foo.service"});
    CHECK(fleet.server().requests().at(0).target == "/fleet/v1/state?unitName=foo.service");
}

TEST_CASE("fleet: a unit that failed is looked at twice, then it has failed") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    const auto unit = unit_running("foo.service", "/bin/foo");
    fleet.add(unit);
    const auto failed = FleetState{.active = "failed", .sub = "failed"};
    SECTION("a service") {
        fleet.show("foo.service", {failed});
        CHECK(text_of(target->status(unit, call)) == "failed: failed (failed)");
        CHECK(fleet.requests() == Lines{"GET /state foo.service", "GET foo.service", "GET /state foo.service"});
    }
    SECTION("one that a machine cannot load") {
        const std::string state = GENERATE("not-found", "error", "bad-setting", "masked");
        fleet.show("foo.service", {{.load = state, .active = "inactive", .sub = "dead"}});
        const TestCall hasty(2s);
        CHECK(text_of(target->status(unit, hasty)) == "failed: load state " + state);
    }
    SECTION("at once where there is no time") {
        fleet.show("foo.service", {failed});
        const TestCall hasty(2s);
        CHECK(text_of(target->status(unit, hasty)) == "failed: failed (failed)");
        CHECK(fleet.count("GET /state") == 1);
    }
    SECTION("not when the former version did, and this one is not started yet") {
        fleet.show("foo.service", {failed}, "loaded");
        CHECK(text_of(target->status(unit, call)) == "pending: failed (failed), not started yet");
    }
    SECTION("not when the former version did, and this one has been started since") {
        fleet.show("foo.service", {failed});
        const std::jthread agent([&] {
            (void)eventually([&] { return fleet.count("GET foo.service") > 0; });
            fleet.show("foo.service", {FleetState{}});
        });
        CHECK(text_of(target->status(unit, call)) == "ready: active (running)");
    }
    SECTION("the second look ends at stop") {
        fleet.show("foo.service", {failed});
        TestCall stopped;
        const std::jthread stopper([&] {
            (void)eventually([&] { return fleet.count("GET foo.service") > 0; });
            stopped.request_stop();
        });
        CHECK(thrown_by([&] { (void)target->status(unit, stopped); }).kind() == ErrorKind::cancelled);
    }
}

TEST_CASE("fleet: the old version never passes for the new one") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    const auto old = unit_running("foo.service", "/bin/old");
    const auto unit = unit_running("foo.service", "/bin/new");
    fleet.add(old);
    target->apply(unit, call);
    std::set<std::string> seen;
    for (int tenth = 0; fleet.version_of("foo.service") != unit_file_hash(unit.options); ++tenth) {
        REQUIRE(tenth < 200);
        const auto status = target->status(unit, call);
        CHECK(status.readiness != Readiness::ready);
        CHECK(status.readiness != Readiness::failed);
        CHECK(target->status(old, call).readiness != Readiness::failed);
        seen.insert(status.detail);
        fleet.advance(100ms);
    }
    CHECK(seen == std::set<std::string>{"the old version still runs (active (running), hash " +
                                            unit_file_hash(old.options).substr(0, 8) + ")",
                                        "not loaded yet"});
    CHECK(text_of(target->status(unit, call)) == "ready: active (running)");
    CHECK(target->status(old, call).readiness == Readiness::pending);
}

TEST_CASE("fleet: an old version that has stopped is still no new one") {
    FleetDouble fleet;
    const auto unit = unit_running("foo.service", "/bin/foo");
    fleet.add(unit);
    fleet.show("foo.service", {{.active = "failed", .sub = "failed", .hash = "0123456789abcdef"}});
    const TestCall call;
    CHECK(text_of(open_fleet(fleet)->status(unit, call)) ==
          "pending: the old version is still there (failed (failed), hash 01234567)");
    fleet.show("foo.service", {FleetState{}, {.hash = "0123456789abcdef", .machine = "b"}});
    CHECK(holds(text_of(open_fleet(fleet)->status(unit, call)), "pending: the old version still runs"));
}

TEST_CASE("fleet: a unit that fleet does not have is absent, one that no machine takes unplaced") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    const auto unit = unit_running("foo.service", "/bin/foo");
    CHECK(text_of(target->status(unit, call)) == "absent: fleet does not have it");
    CHECK(fleet.requests() == Lines{"GET /state foo.service", "GET foo.service"});
    fleet.behave("foo.*", Behaviour::unschedulable);
    target->apply(unit, call);
    fleet.settle();
    CHECK(text_of(target->status(unit, call)) == "unplaced: not scheduled to a machine");
    const auto loaded = unit_running("foo.service", "/bin/foo", DesiredState::loaded);
    CHECK(text_of(target->status(loaded, call)) == "unplaced: not scheduled to a machine");
    CHECK(text_of(target->status(unit_running("foo.service", "/bin/other"), call)) ==
          "waiting: fleet has another version of it");
}

TEST_CASE("fleet: units that do not run for ever are ready when they are up, or have ended") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    SECTION("oneshot") {
        const auto unit = oneshot("foo.service");
        target->apply(unit, call);
        fleet.advance(3s);
        CHECK(text_of(target->status(unit, call)) == "waiting: activating (start)");
        fleet.settle();
        fleet.forget_requests();
        CHECK(text_of(target->status(unit, call)) == "ready: inactive (dead)");
        CHECK(fleet.requests() == Lines{"GET /state foo.service", "GET foo.service", "GET /state foo.service"});
    }
    SECTION("oneshot that begins while it is looked at") {
        const auto unit = oneshot("foo.service");
        fleet.add(unit);
        fleet.show("foo.service", {{.active = "inactive", .sub = "dead"}});
        const auto next = GENERATE(FleetState{.active = "activating", .sub = "start"},
                                   FleetState{.active = "failed", .sub = "failed"});
        const std::jthread agent([&] {
            (void)eventually([&] { return fleet.count("GET foo.service") > 0; });
            fleet.show("foo.service", {next});
        });
        CHECK(text_of(target->status(unit, call)) == "waiting: " + next.active + " (" + next.sub + ")");
    }
    SECTION("oneshot that has not begun") {
        const auto unit = oneshot("foo.service");
        fleet.add(unit);
        fleet.show("foo.service", {{.active = "inactive", .sub = "dead"}}, "loaded");
        CHECK(text_of(target->status(unit, call)) == "pending: inactive (dead), not started yet");
    }
    SECTION("timer, socket, mount") {
        const std::string name = GENERATE("foo.timer", "foo.socket", "foo.mount", "foo.path", "foo.target");
        const auto unit = unit_running(name, "x");
        target->apply(unit, call);
        fleet.settle();
        CHECK(target->status(unit, call).readiness == Readiness::ready);
    }
}

TEST_CASE("fleet: a unit that is to be loaded is ready when it is at rest on its machine") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    auto unit = unit_running("foo.service", "/bin/foo");
    fleet.add(unit);
    target->set_desired_state("foo.service", DesiredState::loaded, call);
    unit.desired_state = DesiredState::loaded;
    CHECK(text_of(target->status(unit, call)) == "waiting: active (running)");
    fleet.settle();
    CHECK(text_of(target->status(unit, call)) == "ready: inactive (dead)");
    fleet.show("foo.service", {{.active = "failed", .sub = "failed"}});
    CHECK(target->status(unit, call).readiness == Readiness::ready);
    fleet.show("foo.service", {{.active = "deactivating", .sub = "stop"}});
    CHECK(target->status(unit, call).readiness == Readiness::waiting);
    fleet.show("foo.service", {}, "inactive");
    CHECK(target->status(unit, call).readiness == Readiness::unplaced);
    fleet.show("foo.service", {{.active = "inactive", .sub = "dead", .hash = "other"}});
    CHECK(target->status(unit, call).readiness == Readiness::pending);
}

TEST_CASE("fleet: a unit that is to be inactive is ready when fleet has it and no machine does") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    auto unit = unit_running("foo.service", "/bin/foo", DesiredState::inactive);
    CHECK(text_of(target->status(unit, call)) == "absent: fleet does not have it");
    fleet.add(unit_running("foo.service", "/bin/foo"));
    target->set_desired_state("foo.service", DesiredState::inactive, call);
    CHECK(text_of(target->status(unit, call)) == "pending: launched");
    fleet.settle();
    CHECK(text_of(target->status(unit, call)) == "ready: inactive");
    fleet.show("foo.service", {{.active = "deactivating", .sub = "stop"}}, "inactive");
    CHECK(text_of(target->status(unit, call)) == "waiting: inactive, but still stopping");
    CHECK(text_of(target->status(unit_running("foo.service", "/bin/new", DesiredState::inactive), call)) ==
          "waiting: fleet has another version of it");
}

TEST_CASE("fleet: a global unit is ready when every machine that is fit for it says so") {
    FleetDouble fleet({.machines = 2});
    const auto target = open_fleet(fleet);
    const TestCall call;
    const auto unit = global("foo.service");
    target->apply(unit, call);
    CHECK(text_of(target->status(unit, call)) == "pending: no machine has loaded it yet");
    fleet.settle();
    fleet.forget_requests();
    CHECK(holds(text_of(target->status(unit, call)), "ready: active (running) on machine "));
    CHECK(fleet.requests() == Lines{"GET /state foo.service", "GET /machines"});
    CHECK(names_of(target->list(call)) == Lines{"foo.service"});
}

TEST_CASE("fleet: a global unit is waited for on machines that say nothing of it, as they may run the old version") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    auto unit = global("foo.service");
    fleet.add(unit);
    const auto machines = [&](const std::string& list) {
        fleet.set_fault(fault_on("GET /machines", {.status = 200, .body = list}));
    };
    machines(
        R"({"machines":[{"id":"m1","metadata":{"role":"web"}},{"id":"m2","metadata":{"role":"db"}},{"id":"m3"}]})");
    fleet.show("foo.service", {{.machine = "m1"}});
    CHECK(text_of(target->status(unit, call)) == "waiting: active (running), but no report yet from 2 machines");
    fleet.show("foo.service", {{.machine = "m1"}, {.machine = "m3"}});
    CHECK(text_of(target->status(unit, call)) ==
          "waiting: active (running) on machine m1, but no report yet from 1 machine");
    fleet.show("foo.service", {{.machine = "m1"}, {.machine = "m3"}, {.machine = "m2"}, {.machine = "m4"}});
    CHECK(target->status(unit, call).readiness == Readiness::ready);

    struct Case {
        std::vector<std::string> metadata;
        Readiness on_web;  ///< expected when the unit runs on m1
    };
    for (const auto& [metadata, on_web] :
         {Case{{"role=web"}, Readiness::ready}, Case{{R"("role=web" "zone=1")"}, Readiness::ready},
          Case{{"role=web", "role=db"}, Readiness::waiting}, Case{{"role=%i"}, Readiness::waiting},
          Case{{"no pair", "a=b=c", "=x"}, Readiness::waiting}}) {
        auto picky = unit;
        for (const auto& pair : metadata) picky.options.push_back({"X-Fleet", "MachineMetadata", pair});
        fleet.add(picky);
        fleet.show("foo.service", {{.machine = "m1"}});
        CAPTURE(metadata);
        CHECK(target->status(picky, call).readiness == on_web);
    }
    unit.options.push_back({"X-Fleet", "X-ConditionMachineMetadata", "role=none"});
    fleet.add(unit);
    fleet.show("foo.service", {});
    CHECK(text_of(target->status(unit, call)) == "unplaced: no machine has the metadata that it asks for");

    for (const auto* const broken :
         {R"({"machines":[{"metadata":{}}]})", R"({"machines":[{"id":"a","metadata":1}]})"}) {
        machines(broken);
        CHECK(thrown_by([&] { (void)target->status(unit, call); }).kind() == ErrorKind::unavailable);
    }
}

TEST_CASE("fleet: a global unit that failed on one machine has failed; of any other, it is one that moves away") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    const auto unit = global("foo.service");
    fleet.add(unit);
    const FleetState up{.machine = "m1"};
    const FleetState starting{.active = "activating", .sub = "start", .machine = "m2"};
    const FleetState failed{.active = "failed", .sub = "failed", .machine = "m3"};
    fleet.show("foo.service", {up, starting});
    CHECK(text_of(target->status(unit, call)) == "waiting: activating (start) on machine m2");
    const TestCall hasty(2s);
    fleet.show("foo.service", {up, failed, starting});
    CHECK(text_of(target->status(unit, hasty)) == "failed: failed (failed) on machine m3");
    // For any other unit, the failed entry is left over from its former machine.
    const auto other = unit_running("bar.service", "/bin/bar");
    fleet.add(other);
    fleet.show("bar.service", {up, failed});
    CHECK(text_of(target->status(other, call)) == "ready: active (running) on machine m1");
    fleet.show("bar.service", {failed, starting});
    CHECK(text_of(target->status(other, hasty)) == "waiting: activating (start) on machine m2");

    for (const auto* const word : {"True", "yes", "ON", "1"}) {
        auto same = unit;
        same.options.back().value = word;
        fleet.add(same);
        fleet.show("foo.service", {up, failed});
        CHECK(target->status(same, hasty).readiness == Readiness::failed);
    }
    auto local = unit;
    local.options.push_back({"X-Fleet", "Global", "false"});
    fleet.add(local);
    fleet.show("foo.service", {failed, starting});
    CHECK(target->status(local, hasty).readiness == Readiness::waiting);
}

TEST_CASE("fleet: states of other units and later pages are no matter") {
    FleetDouble fleet({.page_size = 2, .machines = 5});
    const auto target = open_fleet(fleet);
    const TestCall call;
    const auto unit = global("foo.service");
    fleet.add(unit);
    CHECK(target->status(unit, call).readiness == Readiness::ready);
    CHECK(fleet.requests() == Lines{"GET /state foo.service", "GET /state foo.service page 2",
                                    "GET /state foo.service page 3", "GET /machines"});
    const auto other = unit_running("foo.service", "/bin/other");
    fleet.set_fault([&](const FleetRequest&) {
        return FleetFault{.body =
                              R"({"states":[{"name":"foo.service.service","hash":"x"},{"name":"foo.service","hash":")" +
                              unit_file_hash(other.options) + R"(","systemdActiveState":"active"}]})"};
    });
    CHECK(text_of(target->status(other, call)) == "ready: active");
    fleet.set_fault([&](const FleetRequest&) { return FleetFault{.body = R"({"states":[{"hash":"x"}]})"}; });
    const auto error = thrown_by([&] { (void)target->status(unit, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "/fleet/v1/state: states[0].name is missing"));
}

TEST_CASE("fleet: an answer about another unit is an error") {
    FleetDouble fleet;
    const TestCall call;
    const auto unit = unit_running("foo.service", "/bin/foo");
    fleet.set_fault(
        fault_on("GET foo.service",
                 {.status = 200, .body = R"({"name":"bar.service","options":[],"desiredState":"launched"})"}));
    const auto error = thrown_by([&] { (void)open_fleet(fleet)->status(unit, call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "the answer is about \"bar.service\""));
}
