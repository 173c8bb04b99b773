#include "support/catch.hpp"
#include "support/fleet_double.hpp"
#include "support/fleet_target.hpp"
#include "support/holds.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"

#include <deployer/error.hpp>
#include <deployer/unit_file.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;

constexpr std::string_view hasty = "stop_poll: 5ms";

/// A unit with relations to others, such as {"After", "a.service"}; options that belong to [Install] go there.
Unit unit_with(const std::string& name, const std::string& command, const std::vector<UnitOption>& relations) {
    auto unit = unit_running(name, command);
    unit.options.insert(unit.options.begin(), relations.begin(), relations.end());
    return unit;
}

/// How the target replaces the unit's content: "at once" or "stopped first".
std::string way_of_update(FleetDouble& fleet, const Unit& unit) {
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call, hasty);
    target->apply(unit, call);
    const auto writes = fleet.writes();
    return writes == Lines{"PUT " + unit.name} ? "at once" : "stopped first";
}

/// How the target updates node.service while another unit has these relations.
std::string way_beside(const std::string& other, const std::vector<UnitOption>& relations,
                       const std::string& node = "node.service", const std::vector<UnitOption>& own = {}) {
    FleetDouble fleet({.speed = 1'000});
    fleet.add(unit_with(node, "/bin/old", own));
    fleet.add(unit_with(other, "/bin/other", relations));
    return way_of_update(fleet, unit_with(node, "/bin/new", own));
}

}  // namespace

TEST_CASE("fleet: a unit that another one is bound to or ordered after is stopped before it is replaced", "[R42]") {
    const auto option = GENERATE("BindsTo", "BindTo", "Requires", "Requisite", "PartOf", "StopPropagatedFrom", "After",
                                 "RequiresOverridable", "RequisiteOverridable");
    CAPTURE(option);
    CHECK(way_beside("other.service", {{"Unit", option, "node.service"}}) == "stopped first");
    CHECK(way_beside("other.service", {{"Unit", option, "third.service \\\n node.service"}}) == "stopped first");
    CHECK(way_beside("other.service", {{"Unit", option, "third.service"}}) == "at once");
    CHECK(way_beside("other.service", {{"Service", option, "node.service"}}) == "at once");
}

TEST_CASE("fleet: what a unit says of itself may bind others to it as well", "[R42]") {
    const auto way = [](const UnitOption& option) { return way_beside("other.service", {}, "node.service", {option}); };
    CHECK(way({"Unit", "Before", "other.service"}) == "stopped first");
    CHECK(way({"Unit", "PropagatesStopTo", "other.service"}) == "stopped first");
    CHECK(way({"Install", "RequiredBy", "other.service"}) == "stopped first");
    CHECK(way({"Unit", "Wants", "other.service"}) == "at once");
    CHECK(way({"Unit", "After", "other.service"}) == "at once");
    CHECK(way({"Install", "WantedBy", "other.service"}) == "at once");
}

TEST_CASE("fleet: specifiers in the names of other units mean what they mean to systemd", "[R42]") {
    const auto way = [](const std::string& name, const std::string& node = "node@2.service") {
        return way_beside("node-sidekick@2.service", {{"Unit", "After", name}}, node);
    };
    CHECK(way("node@%i.service") == "stopped first");
    CHECK(way("node@%I.service") == "stopped first");
    CHECK(way("node@1.service") == "at once");
    CHECK(way("%j.service", "sidekick.service") == "stopped first");
    CHECK(way("%p.service", "node-sidekick.service") == "stopped first");
    CHECK(way("%n", "node-sidekick@1.service") == "at once");
    CHECK(way("%N.service", "other.service") == "at once");
    // Only the machine knows its own name, so the specifier may stand for any text.
    CHECK(way("node@%H.service") == "stopped first");
    CHECK(way("other@%H.service") == "at once");
}

TEST_CASE("fleet: what systemd orders without a word is known, too", "[R42]") {
    CHECK(way_beside("node.service", {}, "node.timer") == "stopped first");
    CHECK(way_beside("other.service", {}, "node.timer", {{"Timer", "Unit", "other.service"}}) == "stopped first");
    CHECK(way_beside("all.target", {{"Unit", "Wants", "node.service"}}) == "stopped first");
    CHECK(way_beside("other.service", {{"Unit", "Wants", "node.service"}}) == "at once");
}

TEST_CASE("fleet: a sidekick that its node does not want is started again after the node", "[R42]") {
    FleetDouble fleet({.speed = 1'000});
    fleet.add(unit_running("node@1.service", "/bin/old"));
    fleet.add(unit_with("node-sidekick@1.service", "/bin/tell",
                        {{"Unit", "BindsTo", "node@%i.service"}, {"Unit", "After", "node@%i.service"}}));
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call, hasty);
    const auto node = unit_running("node@1.service", "/bin/new");
    target->apply(node, call);
    CHECK(fleet.writes() == Lines{"PUT node-sidekick@1.service", "PUT node@1.service", "PUT node@1.service",
                                  "PUT node-sidekick@1.service", "PUT node@1.service"});
    CHECK(fleet.find("node@1.service") == node);
    CHECK(fleet.find("node-sidekick@1.service")->desired_state == DesiredState::launched);
}

TEST_CASE("fleet: a sidekick that is not to run is not started along with its node", "[R42]") {
    FleetDouble fleet({.speed = 1'000});
    fleet.add(unit_running("node.service", "/bin/old"));
    auto sidekick = unit_with("node-sidekick.service", "/bin/tell", {{"Unit", "BindsTo", "node.service"}});
    sidekick.desired_state = DesiredState::loaded;
    fleet.add(sidekick);
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call, hasty);
    target->apply(unit_running("node.service", "/bin/new"), call);
    CHECK(fleet.count("PUT node-sidekick.service") == 0);
}

TEST_CASE("fleet: a unit that does not stop in time is rejected, and no other one waits for it", "[R33]") {
    FleetDouble fleet({.speed = 1'000});
    const auto old = unit_running("node.service", "/bin/old");
    fleet.add(old);
    fleet.add(unit_with("other.service", "/bin/other", {{"Unit", "BindsTo", "node.service"}}));
    const auto target = open_listed_fleet(fleet, TestCall(), hasty);
    const auto refused = [&](const FleetState& state, const std::string& current_state) {
        fleet.show("node.service", {state}, current_state);
        const auto error = thrown_by([&] { target->apply(unit_running("node.service", "/bin/new"), TestCall(300ms)); });
        CHECK(error.kind() == ErrorKind::rejected);
        return std::string(error.what());
    };
    SECTION("it runs on as it was where its machine does nothing") {
        CHECK(refused({}, "launched") ==
              "it does not stop: its machine has not begun to stop it; told to run again as before: node.service, "
              "other.service");
        CHECK(fleet.find("node.service") == old);
        CHECK(fleet.find("other.service")->desired_state == DesiredState::launched);
    }
    SECTION("it runs on as it was where systemd does not stop it") {
        CHECK(refused({}, "loaded") ==
              "it does not stop: active (running); told to run again as before: node.service, other.service");
        CHECK(fleet.find("node.service") == old);
    }
}

TEST_CASE("fleet: a unit that systemd is stopping at the deadline gets its new content, for it ends for certain",
          "[R33]") {
    FleetDouble fleet({.speed = 1'000});
    fleet.add(unit_running("node.service", "/bin/old"));
    fleet.add(unit_with("other.service", "/bin/other", {{"Unit", "BindsTo", "node.service"}}));
    const auto target = open_listed_fleet(fleet, TestCall(), hasty);
    fleet.show("node.service", {{.active = "deactivating", .sub = "stop-sigterm"}}, "loaded");
    const auto node = unit_running("node.service", "/bin/new");
    target->apply(node, TestCall(300ms));
    CHECK(fleet.find("node.service") == node);
    CHECK(fleet.find("other.service")->desired_state == DesiredState::launched);
}

TEST_CASE("fleet: what fleet says of a unit since a change before is not taken for the end of its process", "[R42]") {
    FleetDouble fleet({.speed = 1'000});
    const auto old = unit_running("node.service", "/bin/old");
    fleet.add(old);
    fleet.add(unit_with("other.service", "/bin/other", {{"Unit", "BindsTo", "node.service"}}));
    const auto target = open_listed_fleet(fleet, TestCall(), hasty);
    // fleet shows this for a unit that is being replaced, or that was set to inactive and still stops.
    fleet.show("node.service", {}, "inactive");
    const auto error = thrown_by([&] { target->apply(unit_running("node.service", "/bin/new"), TestCall(300ms)); });
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(fleet.find("node.service") == old);
}

TEST_CASE("fleet: a global unit that only some machines are stopping at the deadline keeps its content", "[R33][R42]") {
    FleetDouble fleet({.machines = 2, .speed = 1'000});
    auto old = unit_running("node.service", "/bin/old");
    old.options.push_back({"X-Fleet", "Global", "true"});
    fleet.add(old);
    fleet.add(unit_with("other.service", "/bin/other", {{"Unit", "BindsTo", "node.service"}}));
    const auto target = open_listed_fleet(fleet, TestCall(), hasty);
    fleet.show("node.service",
               {{.active = "deactivating", .sub = "stop-sigterm"}, {.active = "active", .sub = "running"}}, "");
    auto node = old;
    node.options.front().value = "/bin/new";
    const auto error = thrown_by([&] { target->apply(node, TestCall(300ms)); });
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(fleet.find("node.service") == old);
}

TEST_CASE("fleet: a change that a stop request ends leaves nothing stopped", "[R33]") {
    FleetDouble fleet;  // its clock stands: no unit ever stops
    const auto old = unit_running("node.service", "/bin/old");
    fleet.add(old);
    fleet.add(unit_with("other.service", "/bin/other", {{"Unit", "BindsTo", "node.service"}}));
    TestCall call;
    const auto target = open_listed_fleet(fleet, call, hasty);
    const std::jthread stopper([&] {
        while (fleet.count("PUT node.service") == 0) std::this_thread::sleep_for(1ms);
        call.request_stop();
    });
    const auto error = thrown_by([&] { target->apply(unit_running("node.service", "/bin/new"), call); });
    CHECK(error.kind() == ErrorKind::cancelled);
    CHECK(fleet.find("node.service") == old);
    CHECK(fleet.find("other.service")->desired_state == DesiredState::launched);
}

TEST_CASE("fleet: fleet may be away for a while while a unit stops", "[R33]") {
    FleetDouble fleet({.speed = 1'000});
    fleet.add(unit_running("node.service", "/bin/old"));
    fleet.add(unit_with("other.service", "/bin/other", {{"Unit", "After", "node.service"}}));
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call, hasty);
    fleet.set_fault(fault_on("GET node.service", {.status = 503}, 1, 3));
    const auto node = unit_running("node.service", "/bin/new");
    target->apply(node, call);
    CHECK(fleet.find("node.service") == node);
}

TEST_CASE("fleet: a process that has not listed the cluster does so before it replaces anything", "[R42]") {
    FleetDouble fleet({.speed = 1'000});
    fleet.add(unit_running("node.service", "/bin/old"));
    fleet.add(unit_with("other.service", "/bin/other", {{"Unit", "BindsTo", "node.service"}}));
    const TestCall call;
    const auto target = open_fleet(fleet, hasty);
    target->apply(unit_running("node.service", "/bin/new"), call);
    CHECK(fleet.count("GET /units") == 2);
    CHECK(fleet.count("PUT other.service") == 2);
}

TEST_CASE("fleet: two units that stop the same third one are changed one after the other", "[R42][concurrent]") {
    FleetDouble fleet({.speed = 1'000});
    fleet.add(unit_running("a.service", "/bin/old"));
    fleet.add(unit_running("b.service", "/bin/old"));
    fleet.add(unit_with("c.service", "/bin/c", {{"Unit", "Requires", "a.service b.service"}}));
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call, hasty);
    {
        const std::jthread one([&] { target->apply(unit_running("a.service", "/bin/new"), call); });
        const std::jthread other([&] { target->apply(unit_running("b.service", "/bin/new"), call); });
    }
    auto writes = fleet.writes();
    const auto second = writes.front() == "PUT c.service" && writes[1] == "PUT a.service" ? "b" : "a";
    const auto begin = std::find(writes.begin(), writes.end(), "PUT " + std::string(second) + ".service");
    const auto end_of_first =
        std::find(writes.rbegin(), writes.rend(), "PUT " + std::string(second[0] == 'a' ? "b" : "a") + ".service");
    CHECK(end_of_first.base() <= begin);
    for (const auto* name : {"a.service", "b.service", "c.service"}) {
        CHECK(fleet.find(name)->desired_state == DesiredState::launched);
    }
}

TEST_CASE("fleet: a unit that another one has started while it was to stop is told to stop again", "[R42]") {
    FleetDouble fleet({.machines = 1, .speed = 200});
    const std::vector<UnitOption> relations{
        {"Unit", "Wants", "z.service"}, {"Unit", "After", "z.service"}, {"Service", "ExecStop", "/bin/sleep 1"}};
    fleet.add(unit_with("k.service", "/bin/old", relations));
    fleet.add(unit_running("z.service", "/bin/old"));
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call, "stop_poll: 10ms");
    const auto dependant = unit_with("k.service", "/bin/new", relations);
    const auto unit = unit_running("z.service", "/bin/new");
    target->apply(dependant, call);
    target->apply(unit, call);
    CHECK(wait_until_settled(*target, unit, call).readiness == Readiness::ready);
    CHECK(wait_until_settled(*target, dependant, call).readiness == Readiness::ready);
    CHECK(fleet.process("z.service")->content == unit_file_hash(unit.options));
    CHECK(fleet.lies().empty());
}
