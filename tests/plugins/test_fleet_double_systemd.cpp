#include "support/fleet_double_calls.hpp"

#include <chrono>
#include <string>
#include <vector>

using namespace deployer;
using namespace deployer::fleet_double_calls;
using namespace std::chrono_literals;

TEST_CASE(
    "fleet double: a unit that is replaced while what is bound to it stops keeps its old process, and is told as "
    "the new one") {
    struct Case {
        std::string exec_stop;
        bool is_wanted;   ///< the node has Wants= of its sidekick
        bool is_changed;  ///< the sidekick is replaced as well
        bool keeps_old;
        std::string sidekick;
    };
    const auto row = GENERATE(Case{"/bin/true", false, false, false, "inactive (dead)"},
                              Case{"/bin/true", true, true, false, "active (running)"},
                              Case{"/bin/sleep 0.1", false, false, true, "inactive (dead)"},
                              Case{"/bin/sleep 0.1", false, true, true, "active (running)"},
                              Case{"/bin/sleep 2", false, false, true, "inactive (dead)"},
                              Case{"/bin/sleep 2", true, false, true, "active (running)"},
                              Case{"/bin/sleep 2", true, true, true, "active (running)"});
    CAPTURE(row.exec_stop, row.is_wanted, row.is_changed);
    FleetDouble fleet;
    const auto node = [&](const std::string& command) {
        auto unit = unit_running("foo@1.service", command);
        if (row.is_wanted) unit.options.push_back({"Unit", "Wants", "foo-sidekick@%i.service"});
        return unit;
    };
    const auto sidekick = [&](const std::string& command) { return sidekick_of_foo(1, command, row.exec_stop); };
    fleet.add(node("/bin/v1"));
    fleet.add(sidekick("/bin/s1"));
    const auto before = fleet.process("foo@1.service");
    REQUIRE(before);
    if (row.is_changed) put_unit(fleet, sidekick("/bin/s2"));
    put_unit(fleet, node("/bin/v2"));
    fleet.settle();
    CHECK(fleet.current_state("foo@1.service") == "launched");
    CHECK(fleet.version_of("foo@1.service") == unit_file_hash(node("/bin/v2").options));
    CHECK((fleet.process("foo@1.service") == before) == row.keeps_old);
    CHECK(fleet.truth("foo-sidekick@1.service") == row.sidekick);
    std::vector<std::string> lies;
    if (row.sidekick != "active (running)") lies.push_back("foo-sidekick@1.service is to run, but is " + row.sidekick);
    if (row.keeps_old) lies.emplace_back("foo@1.service runs another content than the wanted one");
    CHECK(fleet.lies() == lies);
}

TEST_CASE("fleet double: across services it goes the same way") {
    struct Case {
        std::vector<std::string> relations;  ///< options of the dependent unit
        std::string dependant;
        bool are_both_changed;
        bool keeps_old;
    };
    const auto row =
        GENERATE(Case{{"Requires", "After"}, "zoo-client.service", false, true},
                 Case{{"Requires", "After"}, "zoo-client.service", true, true},
                 Case{{"Requires", "After"}, "kafka.service", false, true},
                 Case{{"After"}, "kafka.service", false, false}, Case{{"After"}, "zoo-client.service", true, false},
                 Case{{"After"}, "kafka.service", true, false}, Case{{"Wants", "After"}, "kafka.service", true, true},
                 Case{{"Wants", "After"}, "zzz-client.service", true, false});
    CAPTURE(row.relations, row.dependant, row.are_both_changed);
    FleetDouble fleet({.machines = 1});
    const auto client = [&](const std::string& command) {
        auto unit = unit_running(row.dependant, command);
        for (const auto& relation : row.relations) unit.options.push_back({"Unit", relation, "zookeeper.service"});
        unit.options.push_back({"Service", "ExecStop", "/bin/sleep 1"});
        return unit;
    };
    fleet.add(unit_running("zookeeper.service", "/bin/v1"));
    fleet.add(client("/bin/v1"));
    const auto before = fleet.process("zookeeper.service");
    if (row.are_both_changed) put_unit(fleet, client("/bin/v2"));
    put_unit(fleet, unit_running("zookeeper.service", "/bin/v2"));
    fleet.settle();
    CHECK((fleet.process("zookeeper.service") == before) == row.keeps_old);
}

TEST_CASE("fleet double: a unit that is stopped, seen stopped and then changed runs what it is to run") {
    FleetDouble fleet;
    const auto node = unit_running("foo@1.service", "/bin/v2");
    fleet.add(unit_running("foo@1.service", "/bin/v1"));
    fleet.add(sidekick_of_foo(1, "/bin/s1", "/bin/sleep 2"));
    put_state(fleet, "foo-sidekick@1.service", "loaded");
    put_state(fleet, "foo@1.service", "loaded");
    fleet.settle();
    CHECK(fleet.truth("foo@1.service") == "inactive (dead)");
    put_unit(fleet, node);
    put_state(fleet, "foo-sidekick@1.service", "launched");
    fleet.settle();
    CHECK(fleet.lies().empty());
    CHECK(fleet.process("foo@1.service")->content == unit_file_hash(node.options));
}

TEST_CASE("fleet double: loaded is told before the process has ended, and no state before it, too") {
    FleetDouble fleet;
    fleet.add(unit_running("foo@1.service", "/bin/v1"));
    fleet.add(sidekick_of_foo(1, "/bin/s1", "/bin/sleep 2"));
    SECTION("loaded") {
        put_state(fleet, "foo@1.service", "loaded");
        fleet.advance(2s);
        CHECK(fleet.current_state("foo@1.service") == "loaded");
        CHECK(fleet.process("foo@1.service"));
        CHECK(fleet.truth("foo-sidekick@1.service") == "deactivating (stop)");
        fleet.advance(5s);
        CHECK_FALSE(fleet.process("foo@1.service"));
        // systemd stops the sidekick; fleet does not change its state.
        CHECK(fleet.current_state("foo-sidekick@1.service") == "launched");
        CHECK(fleet.truth("foo-sidekick@1.service") == "inactive (dead)");
    }
    SECTION("inactive") {
        put_state(fleet, "foo@1.service", "inactive");
        fleet.advance(2s);
        // The sidekick loses its machine along with its node.
        CHECK(fleet.version_of("foo-sidekick@1.service").empty());
        CHECK(fleet.process("foo-sidekick@1.service"));
        fleet.advance(3s);
        CHECK_FALSE(fleet.process("foo-sidekick@1.service"));
    }
}

TEST_CASE("fleet double: a state that is changed and changed back before an agent has looked was never so") {
    FleetDouble fleet;
    const auto unit = unit_running("foo.service", "/bin/foo");
    fleet.behave("foo.service", Behaviour::fail);
    fleet.add(unit);
    fleet.behave("foo.service", Behaviour::run);
    const std::string between = GENERATE("inactive", "loaded");
    put_state(fleet, "foo.service", between);
    SECTION("at once") {
        fleet.advance(GENERATE(10ms, 900ms));
        put_state(fleet, "foo.service", "launched");
        fleet.advance(1min);
        CHECK(fleet.truth("foo.service") == "failed (failed)");
    }
    SECTION("after it was seen") {
        fleet.advance(3s);
        CHECK(fleet.current_state("foo.service") == between);
        put_state(fleet, "foo.service", "launched");
        fleet.advance(10s);
        CHECK(fleet.truth("foo.service") == "active (running)");
        CHECK(fleet.current_state("foo.service") == "launched");
    }
}

TEST_CASE("fleet double: a new content waits for the agent's tick, unless a desired state is written after it") {
    FleetDouble fleet;
    fleet.add(unit_running("foo.service", "/bin/v1"));
    fleet.advance(2'500ms);
    put_unit(fleet, unit_running("foo.service", "/bin/v2"));
    if (GENERATE(false, true)) {
        fleet.advance(1'100ms);
        put_state(fleet, "foo.service", "launched");
        fleet.advance(1'100ms);
        CHECK_FALSE(fleet.process("foo.service"));
    } else {
        fleet.advance(4'400ms);
        CHECK(fleet.process("foo.service"));
        fleet.advance(200ms);
        CHECK_FALSE(fleet.process("foo.service"));
    }
}
