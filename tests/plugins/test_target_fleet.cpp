#include "support/fleet_lines.hpp"

#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("fleet: one PUT creates and launches a unit") {
    FleetDouble fleet;
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call);
    const auto state = GENERATE(DesiredState::inactive, DesiredState::loaded, DesiredState::launched);
    const auto unit = unit_running("foo@1.service", "/bin/foo", state);
    target->apply(unit, call);
    CHECK(fleet.requests() == Lines{"PUT foo@1.service"});
    CHECK(fleet.find("foo@1.service") == unit);
    fleet.settle();
    CHECK(fleet.current_state("foo@1.service") == to_string(state));
    CHECK(fleet.runs("foo@1.service") == (state == DesiredState::launched));
    CHECK(target->status(unit, call).readiness == Readiness::ready);
}

TEST_CASE("fleet: one PUT replaces a unit") {
    FleetDouble fleet;
    fleet.add(unit_running("foo.service", "/bin/old"));
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call);
    const auto unit = unit_running("foo.service", "/bin/new");
    target->apply(unit, call);
    CHECK(fleet.requests() == Lines{"PUT foo.service"});
    fleet.settle();
    CHECK(fleet.version_of("foo.service") == unit_file_hash(unit.options));
}

TEST_CASE("fleet: applying what is there already changes nothing [R7]", "[R7]") {
    FleetDouble fleet;
    const auto unit = unit_running("foo.service", "/bin/foo");
    fleet.add(unit);
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call);
    const auto before = fleet.now();
    target->apply(unit, call);
    CHECK(fleet.requests() == Lines{"PUT foo.service", "GET foo.service"});
    fleet.advance(1h);
    CHECK(fleet.most_down({"foo.service"}, before) == 0);
}

TEST_CASE("fleet: any text that a unit may hold reaches fleet and comes back as it was") {
    FleetDouble fleet;
    Unit unit{"odd\\x2d:a_b.service", {}, DesiredState::loaded};
    unit.options.push_back(
        {"Unit", "Description", "h\u00e9llo \u2028 \U0001F680 \"quoted\" \\ back\\slash / <&> \x7f"});
    unit.options.push_back({"Unit", "Description", ""});
    unit.options.push_back({"Unit", "Description", "again"});
    unit.options.push_back({"Service", "ExecStart", "/bin/sh -c 'a \\\n\tb' \x01\b"});
    unit.options.push_back({"Service", "Environment", std::string(option_line_limit - sizeof("Environment="), 'x')});
    const auto target = open_fleet(fleet);
    const TestCall call;
    target->apply(unit, call);
    CHECK(fleet.find(unit.name) == unit);

    const auto units = target->list(call);
    REQUIRE(units.size() == 1);
    CHECK(units[0].unit == unit);
    target->apply(unit, call);
    target->set_desired_state(unit.name, DesiredState::inactive, call);
    target->destroy(unit.name, call);
    CHECK(fleet.names().empty());
}

TEST_CASE("fleet: the hash is the one that fleet shows") {
    CHECK(unit_file_hash(unit_running("foo.service", "/bin/sleep 2002").options).starts_with("67ac92"));
}

TEST_CASE("fleet: a unit that fleet would not take is rejected without asking it") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    const auto check_rejected = [&](const Unit& unit, std::string_view fragment) {
        const auto error = thrown_by([&] { target->apply(unit, call); });
        CHECK(error.kind() == ErrorKind::rejected);
        CHECK(says(error, fragment));
    };
    check_rejected(unit_running("no type", "/bin/foo"), "its name holds");
    check_rejected(unit_running("@foo.service", "/bin/foo"), "its name starts with");
    check_rejected(unit_running(std::string(260, 'a') + ".service", "/bin/foo"), "longer than 256");
    check_rejected({"foo.service", {}, DesiredState::launched}, "no options");
    check_rejected(unit_running("foo.service", std::string(option_line_limit - sizeof("ExecStart=") + 1, 'x')),
                   "option \"ExecStart\" is a line of 2048 bytes, of which fleet takes at most 2047");
    check_rejected(unit_running("foo.service", std::string(3000, 'x') + "\\\nshort"), "a line of 3011 bytes");
    check_rejected(unit_running("foo.service", "caf\xe9"), "not UTF-8");
    check_rejected(unit_running("foo.service", std::string("a\0b", 3)), "NUL");
    check_rejected(unit_running("foo.service", "a\nExecStop=b"), "holds a newline");
    check_rejected(unit_running("foo.service", "a\rb"), "carriage return");
    check_rejected(unit_running("foo.service", "a\\"), "ends in a backslash");
    check_rejected(unit_running("foo.service", "a\\\\"), "ends in a backslash");
    check_rejected({"foo.service", {{std::string(2046, 'S'), "A", "b"}}, DesiredState::launched},
                   "is in a section that is a line of 2048 bytes");
    check_rejected({"foo.service", {{"Service", "a\nb", "c"}}, DesiredState::launched}, "newline in its name");
    check_rejected({"foo.service", {{"A]\n[B", "a", "c"}}, DesiredState::launched}, "newline in its name");
    CHECK(fleet.requests().empty());
}

TEST_CASE("fleet: an older fleet, which keeps the options of a unit, gets it destroyed, gone, and created") {
    FleetDouble fleet({.is_old = true, .speed = 50});
    const auto old = unit_running("foo.service", "/bin/old");
    fleet.add(old);
    TestCall call;
    const auto target = open_listed_fleet(fleet, call, GENERATE("", "update: auto"));
    const auto unit = unit_running("foo.service", "/bin/new");
    target->apply(unit, call);
    auto requests = fleet.requests();
    REQUIRE(requests.size() >= 7);
    CHECK(Lines(requests.begin(), requests.begin() + 4) ==
          Lines{"PUT foo.service", "GET foo.service", "GET foo.service", "DELETE foo.service"});
    CHECK(Lines(requests.end() - 2, requests.end()) == Lines{"GET /state foo.service", "PUT foo.service"});
    CHECK(fleet.writes() == Lines{"PUT foo.service", "DELETE foo.service", "PUT foo.service"});
    CHECK(call.log().holds("info: fleet keeps the old options of foo.service"));
    CHECK(wait_until_settled(*target, unit, call).readiness == Readiness::ready);
    // If the plugin created the unit while the former one still stops, fleet would keep the former version.
    CHECK(fleet.version_of("foo.service") == unit_file_hash(unit.options));
}

TEST_CASE("fleet: told to replace, it says which setting an older fleet needs") {
    FleetDouble fleet({.is_old = true});
    const auto old = unit_running("foo.service", "/bin/old");
    fleet.add(old);
    const auto target = open_fleet(fleet, "update: replace");
    const TestCall call;
    target->apply(old, call);
    const auto error = thrown_by([&] { target->apply(unit_running("foo.service", "/bin/new"), call); });
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(says(error, "update: recreate"));
    CHECK(fleet.count("DELETE") == 0);
    target->apply(unit_running("bar.service", "/bin/new"), call);
}

TEST_CASE("fleet: told to recreate, it destroys what differs and nothing else") {
    FleetDouble fleet({.is_old = GENERATE(false, true), .speed = 50});
    const auto unit = unit_running("foo.service", "/bin/foo");
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call, "update: recreate");

    target->apply(unit, call);
    CHECK(fleet.requests() == Lines{"GET foo.service", "GET /state foo.service", "PUT foo.service"});
    CHECK(wait_until_settled(*target, unit, call).readiness == Readiness::ready);

    fleet.forget_requests();
    target->apply(unit, call);
    CHECK(fleet.requests() == Lines{"GET foo.service"});

    fleet.forget_requests();
    target->apply(unit_running("foo.service", "/bin/foo", DesiredState::loaded), call);
    CHECK(fleet.requests() == Lines{"GET foo.service", "PUT foo.service"});
    CHECK(fleet.find("foo.service")->options == unit.options);
    CHECK(fleet.find("foo.service")->desired_state == DesiredState::loaded);

    fleet.forget_requests();
    const auto other = unit_running("foo.service", "/bin/other");
    target->apply(other, call);
    CHECK(fleet.writes() == Lines{"DELETE foo.service", "PUT foo.service"});
    CHECK(wait_until_settled(*target, other, call).readiness == Readiness::ready);
    CHECK(fleet.version_of("foo.service") == unit_file_hash(other.options));
}

TEST_CASE("fleet: a unit that was destroyed and still stops is waited for, also by the next process") {
    FleetDouble fleet({.is_old = true, .speed = 50, .pace = {.report = 20s}});
    fleet.add(unit_running("foo.service", "/bin/old"));
    fleet.remove("foo.service");
    const TestCall call;
    const auto unit = unit_running("foo.service", "/bin/new");
    const auto target = open_fleet(fleet, "update: recreate");
    target->apply(unit, call);
    CHECK(fleet.count("GET /state foo.service") >= 2);
    CHECK(wait_until_settled(*target, unit, call).readiness == Readiness::ready);
    CHECK(fleet.version_of("foo.service") == unit_file_hash(unit.options));
}

TEST_CASE("fleet: a destroyed unit that fleet still has is waited for") {
    FleetDouble fleet({.speed = 50});
    fleet.add(unit_running("foo.service", "/bin/old"));
    const TestCall call;
    fleet.set_fault(
        fault_on("GET foo.service",
                 {.status = 200,
                  .body = R"({"name":"foo.service","options":[{"section":"S","name":"N"}],"desiredState":"loaded"})"},
                 1, 4));
    open_fleet(fleet, "update: recreate")->apply(unit_running("foo.service", "/bin/new"), call);
    CHECK(fleet.count("GET foo.service") == 5);
    CHECK(fleet.requests().back() == "PUT foo.service");
}

TEST_CASE("fleet: a unit that is to be recreated is not lost when the wait for it to go ends early [R8]", "[R8]") {
    FleetDouble fleet;
    const auto old = unit_running("foo.service", "/bin/old", GENERATE(DesiredState::launched, DesiredState::loaded));
    fleet.add(old);
    const auto target = open_fleet(fleet, "update: recreate");
    const auto unit = unit_running("foo.service", "/bin/new");
    SECTION("at the deadline the new one is created") {
        const TestCall call(250ms);
        const auto error = thrown_by([&] { target->apply(unit, call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(std::string(error.what()) ==
              "waiting for the former foo.service to stop did not finish in time; it is created all the same");
        // The plugin does not ask fleet more often than necessary.
        CHECK(fleet.requests().size() <= 8);
        CHECK(fleet.find("foo.service") == unit);
    }
    SECTION("at stop the former one is put back, soon") {
        TestCall call;
        auto stopped_at = std::chrono::steady_clock::now();
        const std::jthread stopper([&] {
            (void)eventually([&] { return fleet.count("GET /state") > 0; });
            stopped_at = std::chrono::steady_clock::now();
            call.request_stop();
        });
        const auto error = thrown_by([&] { target->apply(unit, call); });
        CHECK(error.kind() == ErrorKind::cancelled);
        CHECK(std::chrono::steady_clock::now() - stopped_at < 1'400ms);
        CHECK(says(error, "; its former content is put back"));
        CHECK(fleet.find("foo.service") == old);
    }
    SECTION("so it is when stop comes while it is destroyed") {
        fleet.set_fault(fault_on("DELETE foo.service", {.delay = 1h}));
        TestCall call;
        const std::jthread stopper([&] {
            (void)eventually([&] { return fleet.count("DELETE") > 0; });
            call.request_stop();
        });
        CHECK(thrown_by([&] { target->apply(unit, call); }).kind() == ErrorKind::cancelled);
        CHECK(fleet.find("foo.service") == old);
    }
    CHECK(fleet.count("PUT") == 1);
    CHECK(names_of(target->list(TestCall())) == Lines{"foo.service"});
}

TEST_CASE("fleet: a unit whose new content fleet does not take after all keeps the former one") {
    FleetDouble fleet({.speed = 50});
    const auto old = unit_running("foo.service", "/bin/old");
    fleet.add(old);
    const auto target = open_fleet(fleet, "update: recreate");
    const TestCall call;
    fleet.set_fault(fault_on("PUT foo.service", {.status = 400, .message = "not that"}, 1, 1));
    const auto error = thrown_by([&] { target->apply(unit_running("foo.service", "/bin/new"), call); });
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(says(error, "400: not that; its former content is put back"));
    CHECK(fleet.find("foo.service") == old);

    fleet.set_fault(fault_on("PUT foo.service", {.status = 400, .message = "not that"}));
    const auto lost = thrown_by([&] { target->apply(unit_running("foo.service", "/bin/new"), call); });
    CHECK(lost.kind() == ErrorKind::rejected);
    CHECK(says(lost, "400: not that; it may be missing now: PUT "));
}

TEST_CASE("fleet: stop ends the wait for a former unit of which nothing is known") {
    FleetDouble fleet;
    fleet.add(unit_running("foo.service", "/bin/old"));
    fleet.remove("foo.service");
    const auto target = open_fleet(fleet, "update: recreate");
    TestCall call;
    const std::jthread stopper([&] {
        (void)eventually([&] { return fleet.count("GET /state") > 0; });
        call.request_stop();
    });
    const auto error = thrown_by([&] { target->apply(unit_running("foo.service", "/bin/new"), call); });
    CHECK(error.kind() == ErrorKind::cancelled);
    CHECK(fleet.count("PUT") == 0);
}

TEST_CASE("fleet: a PUT whose answer is lost is sent again and counts as done") {
    FleetDouble fleet;
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call);
    fleet.set_fault(fault_on("PUT foo.service", {.lose_answer = true}, 1, 1));
    const auto unit = unit_running("foo.service", "/bin/foo");
    target->apply(unit, call);
    CHECK(fleet.requests() == Lines{"PUT foo.service", "PUT foo.service", "GET foo.service"});
    CHECK(fleet.find("foo.service") == unit);
}

TEST_CASE("fleet: a desired state is set by a PUT of it alone") {
    FleetDouble fleet;
    auto unit = unit_running("foo.service", "/bin/foo");
    fleet.add(unit);
    const auto target = open_fleet(fleet);
    const TestCall call;
    target->set_desired_state("foo.service", DesiredState::loaded, call);
    CHECK(fleet.requests() == Lines{"PUT foo.service"});
    CHECK(fleet.server().requests().at(0).body == R"({"name":"foo.service","desiredState":"loaded"})");
    unit.desired_state = DesiredState::loaded;
    CHECK(fleet.find("foo.service") == unit);
    target->set_desired_state("foo.service", DesiredState::loaded, call);
}

TEST_CASE("fleet: setting the state of an absent unit is not_found, destroying it a success [R7]", "[R7]") {
    FleetDouble fleet;
    fleet.add(unit_running("bar.service", "/bin/bar"));
    const auto target = open_fleet(fleet);
    const TestCall call;
    const auto error = thrown_by([&] { target->set_desired_state("foo.service", DesiredState::loaded, call); });
    CHECK(error.kind() == ErrorKind::not_found);
    CHECK(std::string(error.what()) == "foo.service is not in the cluster");
    fleet.set_fault(fault_on("PUT foo.service", {.status = 404, .message = "unit does not exist"}));
    CHECK(thrown_by([&] { target->set_desired_state("foo.service", DesiredState::loaded, call); }).kind() ==
          ErrorKind::not_found);

    target->destroy("foo.service", call);
    target->destroy("bar.service", call);
    CHECK(fleet.names().empty());
    target->destroy("bar.service", call);
}

TEST_CASE(
    "fleet: demands on the machine that fleet does not take together are rejected, also for a unit that is there") {
    FleetDouble fleet;
    fleet.add(unit_running("foo.service", "/bin/foo"));
    const auto target = open_fleet(fleet);
    const TestCall call;
    using Demands = std::vector<std::pair<std::string, std::string>>;
    const auto with = [](const Demands& demands) {
        auto unit = unit_running("foo.service", "/bin/foo");
        for (const auto& [name, value] : demands) unit.options.push_back({"X-Fleet", name, value});
        return unit;
    };
    const std::vector<std::pair<Demands, std::string>> refused{
        {{{"MachineOf", "a.service"}, {"MachineID", "1"}}, "MachineID with MachineOf"},
        {{{"X-ConditionMachineOf", "a.service"}, {"X-ConditionMachineID", "1"}}, "MachineID with MachineOf"},
        {{{"MachineID", "1"}, {"Conflicts", "b.service"}}, "MachineID with Conflicts"},
        {{{"X-ConditionMachineBootID", "1"}, {"X-Conflicts", "b.service"}}, "MachineID with Conflicts"},
        {{{"MachineID", "1"}, {"Global", "true"}}, "MachineID with Global"},
        {{{"MachineID", "1"}, {"Replaces", "b.service"}}, "MachineID with Replaces"},
        {{{"Global", "Yes"}, {"MachineOf", "a.service"}}, "Global with MachineOf"},
        {{{"Global", "\"true\""}, {"Replaces", "a.service"}}, "Global with Replaces"},
        {{{"Conflicts", "a.service"}, {"Replaces", "b.service"}}, "Conflicts with Replaces"},
        {{{"MachineOf", "a@1.service"}, {"Conflicts", "b.service a@*"}},
         R"(MachineOf "a@1.service" with Conflicts "a@*")"},
        {{{"MachineOf", R"("b.service" "c.service")"}, {"Replaces", "c.*"}},
         R"(MachineOf "c.service" with Replaces "c.*")"}};
    for (const auto& [demands, pair] : refused) {
        const auto error = thrown_by([&, &demands = demands] { target->apply(with(demands), call); });
        CHECK(error.kind() == ErrorKind::rejected);
        CHECK(std::string(error.what()) == "its [X-Fleet] section cannot have " + pair);
    }
    CHECK(fleet.requests().empty());

    for (const auto& demands :
         {Demands{{"Global", "true"}, {"Conflicts", "b.service"}}, Demands{{"MachineID", "1"}, {"Global", "false"}},
          Demands{{"MachineOf", "a.service"}, {"Conflicts", "b.*"}}, Demands{{"MachineID", "1"}, {"Conflicts", " "}},
          Demands{{"Global", "true"}, {"Global", "no"}, {"MachineOf", "a.service"}},
          Demands{{"MachineOf", "a.service"}, {"Replaces", "b.service"}, {"MachineMetadata", "a=b"}}}) {
        CHECK_NOTHROW(target->apply(with(demands), call));
    }
    auto elsewhere = with({{"MachineID", "1"}});
    elsewhere.options.push_back({"Unit", "Conflicts", "b.service"});
    CHECK_NOTHROW(target->apply(elsewhere, call));
}
