#include "support/catch.hpp"
#include "support/fleet_double.hpp"
#include "support/fleet_target.hpp"
#include "support/holds.hpp"
#include "support/program.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"

#include <deployer/error.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("fleet: a listing has all pages, and fleet's words") {
    const int count = GENERATE(1, 99, 100, 101, 250, 300);
    FleetDouble fleet;
    add_nodes(fleet, count);
    const TestCall call;
    const auto target = open_fleet(fleet);
    const auto units = target->list(call);
    CHECK(names_of(units) == fleet.names());
    CHECK(units.front().unit == fleet.units().front());
    CHECK(units.front().current_state == "launched");
    // The first listing is read twice. A full last page names a further page.
    const auto pages = static_cast<std::size_t>(count) / 100 + 1;
    const auto targets = fleet.server().requests();
    const auto count_of = [&](const std::string& resource) {
        return static_cast<std::size_t>(std::count_if(targets.begin(), targets.end(), [&](const HttpRequest& request) {
            return request.target == resource || request.target.starts_with(resource + "?nextPageToken=");
        }));
    };
    CHECK(count_of("/fleet/v1/units") == 2 * pages);
    CHECK(count_of("/fleet/v1/state") == pages);
    CHECK(targets.size() == 3 * pages);
}

TEST_CASE("fleet: a listing tells what systemd says of a unit that fleet calls launched and that does not run",
          "[R42]") {
    FleetDouble fleet;
    const auto add = [&](const std::string& name, std::vector<FleetState> states) {
        fleet.add(unit_running(name, "/bin/foo"));
        fleet.show(name, std::move(states), "launched");
    };
    add("failed.service", {{.active = "failed", .sub = "failed"}});
    add("refused.timer", {{.active = "inactive", .sub = "dead"}});
    add("runs.service", {{.active = "active", .sub = "running"}});
    add("silent.service", {});
    auto task = unit_running("task.service", "/bin/task");
    task.options.push_back({"Service", "Type", "oneshot"});
    fleet.add(task);
    fleet.show("task.service", {{.active = "inactive", .sub = "dead"}}, "launched");
    const auto words = [&] {
        std::map<std::string, std::string> said;
        for (const auto& unit : open_fleet(fleet)->list(TestCall())) said[unit.unit.name] = unit.current_state;
        return said;
    };
    CHECK(words() == std::map<std::string, std::string>{{"failed.service", "failed (failed)"},
                                                        {"refused.timer", "inactive (dead)"},
                                                        {"runs.service", "launched"},
                                                        {"silent.service", "launched"},
                                                        {"task.service", "launched"}});
    // Without the machines' reports, the listing has fleet's own states.
    fleet.set_fault(fault_on("GET /state", {.status = 503}, 1, 1'000));
    CHECK(words()["failed.service"] == "launched");
}

TEST_CASE("fleet: an empty cluster is an empty listing") {
    FleetDouble fleet;
    const TestCall call;
    CHECK(open_fleet(fleet)->list(call).empty());
    fleet.set_fault([](const FleetRequest&) { return FleetFault{.body = "{}"}; });
    CHECK(open_fleet(fleet)->list(call).empty());
    fleet.set_fault([](const FleetRequest&) { return FleetFault{.body = R"({"units":[]})"}; });
    CHECK(open_fleet(fleet)->list(call).empty());
}

TEST_CASE("fleet: what fleet leaves out of a unit is empty") {
    FleetDouble fleet;
    const TestCall call;
    fleet.set_fault([](const FleetRequest&) {
        return FleetFault{.body = R"({"units":[{"name":"a.service","options":[{"section":"S",)"
                                  R"("name":"N"}],"unknown":[1,{"x":null}]}]})"};
    });
    const auto units = open_fleet(fleet)->list(call);
    REQUIRE(units.size() == 1);
    CHECK(units[0].unit == Unit{"a.service", {{"S", "N", ""}}, DesiredState::loaded});
    CHECK(units[0].current_state.empty());
}

TEST_CASE("fleet: an answer that is no listing is an error that says why") {
    FleetDouble fleet;
    const TestCall call;
    const auto unit = [](std::string_view members) { return R"({"units":[{)" + std::string(members) + "}]}"; };
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "is not JSON"},
        {"<html>hello</html>", "is not JSON"},
        {R"({"units":[)", "is not JSON"},
        {R"({"units":[]}{})", "is not JSON"},
        {"[]", "is no JSON object"},
        {R"({"machines":[]})", "units is missing"},
        {R"({"nextPageToken":"x"})", "units is missing"},
        {R"({"units":null})", "units is no array"},
        {R"({"units":{}})", "units is no array"},
        {R"({"units":[1]})", "units[0] is no object"},
        {R"({"units":[],"nextPageToken":7})", "nextPageToken is no text"},
        {unit(R"("options":[],"desiredState":"loaded")"), "units[0].name is missing"},
        {unit(R"("name":7,"options":[],"desiredState":"loaded")"), "units[0].name is no text"},
        {unit(R"("name":"a/b.service","options":[],"desiredState":"loaded")"),
         "units[0].name is \"a/b.service\", which"},
        {unit(R"("name":"a.service","desiredState":"loaded")"), "units[0].options is missing"},
        {unit(R"("name":"a.service","options":{},"desiredState":"loaded")"), "units[0].options is no array"},
        {unit(R"("name":"a.service","options":[7],"desiredState":"loaded")"), "units[0].options[0] is no object"},
        {unit(R"("name":"a.service","options":[{"value":7}],"desiredState":"loaded")"),
         "units[0].options[0].value is no text"},
        {unit(R"("name":"a.service","options":[],"desiredState":7)"), "units[0].desiredState is no text"},
        {unit(R"("name":"a.service","options":[],"desiredState":"up")"), "units[0].desiredState is \"up\""},
        {unit(R"("name":"a.service","options":[],"desiredState":"loaded","currentState":7)"),
         "units[0].currentState is no text"}};
    for (const auto& [body, problem] : cases) {
        fleet.set_fault([&text = body](const FleetRequest&) { return FleetFault{.body = text}; });
        const auto error = thrown_by([&] { (void)open_fleet(fleet)->list(call); });
        CAPTURE(body);
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "GET " + fleet.endpoint() + "/fleet/v1/units: "));
        CHECK(says(error, problem));
    }
}

TEST_CASE("fleet: a page token that repeats is an error") {
    FleetDouble fleet({.page_size = 5});
    add_nodes(fleet, 12);
    const TestCall call;
    fleet.set_fault(fault_on("GET /units page 2", {.repeat_token = true}));
    const auto error = thrown_by([&] { (void)open_fleet(fleet)->list(call); });
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "page token \"BQACAA==\" repeats"));
}

TEST_CASE("fleet: a listing that is cut anywhere is an error, never a shorter listing") {
    FleetDouble fleet({.page_size = 5});
    add_nodes(fleet, 12);
    const auto framing = GENERATE(HttpReply::Framing::length, HttpReply::Framing::chunked);
    const auto target = open_fleet(fleet);
    const TestCall patient;
    CHECK(target->list(patient).size() == 12);
    const std::string line = GENERATE("GET /units", "GET /units page 2", "GET /units page 3");
    for (std::size_t bytes = 0; bytes < 250; bytes += 17) {
        fleet.set_fault(fault_on(line, {.cut_after = bytes, .framing = framing}));
        const TestCall call(90ms);
        CHECK(thrown_by([&] { (void)target->list(call); }).kind() == ErrorKind::unavailable);
    }
    fleet.set_fault(fault_on(line, {.cut_after = 100, .framing = framing}, 1, 2));
    fleet.forget_requests();
    CHECK(target->list(patient).size() == 12);
    fleet.set_fault(fault_on(line, {.framing = HttpReply::Framing::until_close}));
    const TestCall call(90ms);
    CHECK(thrown_by([&] { (void)target->list(call); }).kind() == ErrorKind::unavailable);
}

TEST_CASE("fleet: the first listing has to be confirmed by a second one, later ones do not") {
    FleetDouble fleet;
    add_nodes(fleet, 12);
    const TestCall call;
    const auto target = open_fleet(fleet);
    SECTION("by the same") {
        CHECK(target->list(call).size() == 12);
        CHECK(fleet.count("GET /units") == 2);
        CHECK(target->list(call).size() == 12);
        CHECK(fleet.count("GET /units") == 3);
        fleet.add(unit_running("new.service", "/bin/new"));
        CHECK(target->list(call).size() == 13);
        CHECK(fleet.count("GET /units") == 4);
    }
    SECTION("when it is not complete") {
        fleet.set_fault(fault_on("GET /units", {.leave_out = true}, 1, 1));
        CHECK(target->list(call).size() == 12);
        CHECK(fleet.count("GET /units") == 3);
    }
    SECTION("when the second one is not complete") {
        fleet.set_fault(fault_on("GET /units", {.leave_out = true}, 2, 2));
        CHECK(target->list(call).size() == 12);
        CHECK(fleet.count("GET /units") == 4);
    }
}

TEST_CASE("fleet: a listing that misses a known unit is read again") {
    FleetDouble fleet;
    add_nodes(fleet, 12);
    TestCall call;
    const auto target = open_fleet(fleet);
    CHECK(target->list(call).size() == 12);
    target->apply(unit_running("applied.service", "/bin/a"), call);
    target->destroy("foo@3.service", call);
    fleet.forget_requests();

    SECTION("until nothing is missing") {
        fleet.set_fault(fault_on("GET /units", {.leave_out = true}, 1, 1));
        CHECK(names_of(target->list(call)) == fleet.names());
        CHECK(fleet.count("GET /units") == 2);
        CHECK(call.log().lines().empty());
    }
    SECTION("also when only what was applied since is missing") {
        fleet.remove("applied.service");
        CHECK(names_of(target->list(call)) == fleet.names());
        CHECK(fleet.count("GET /units") == 2);
    }
    SECTION("not for units that this deployer destroyed") {
        CHECK(names_of(target->list(call)) == fleet.names());
        CHECK(fleet.count("GET /units") == 1);
    }
    SECTION("until it is clear that others destroyed it") {
        fleet.remove("foo@7.service");
        CHECK(names_of(target->list(call)) == fleet.names());
        CHECK(fleet.count("GET /units") == 2);
        CHECK(call.log().holds("info: no longer in fleet, though not destroyed by this deployer: foo@7.service"));
        CHECK(target->list(call).size() == 11);
        CHECK(fleet.count("GET /units") == 3);
    }
}

TEST_CASE("fleet: listings that never agree are unavailable") {
    FleetDouble fleet;
    add_nodes(fleet, 20);
    const auto target = open_fleet(fleet);
    std::atomic<int> listings = 0;
    fleet.set_fault([&](const FleetRequest& request) -> std::optional<FleetFault> {
        if (request.line != "GET /units") return std::nullopt;
        std::string body = R"({"units":[)";
        for (int unit = ++listings; unit <= 20; ++unit) {
            body += R"({"name":"u)" + std::to_string(unit) + R"(.service","options":[],"desiredState":"launched"})";
            body += unit < 20 ? "," : "]}";
        }
        return FleetFault{.body = body};
    });
    SECTION("after the fifth") {
        const TestCall call;
        const auto error = thrown_by([&] { (void)target->list(call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(std::string(error.what()) ==
              "the listing is not complete: 20 units, then 19 units, then 18 units, then 17 units, then 16 units");
        CHECK(fleet.count("GET /units") == 5);
    }
    SECTION("at the deadline") {
        const TestCall call(150ms);
        const auto error = thrown_by([&] { (void)target->list(call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "did not finish in time"));
    }
}

TEST_CASE("fleet: a listing in which a unit shifted from one page to the next is read again") {
    FleetDouble fleet({.page_size = 5});
    add_nodes(fleet, 12);
    const TestCall call;
    const auto target = open_fleet(fleet);
    CHECK(target->list(call).size() == 12);
    fleet.forget_requests();
    // The unit is created between the first and the second page.
    fleet.set_fault(fault_on("GET /units", {.delay = 100ms}, 1, 1));
    std::vector<std::string> listed;
    {
        const std::jthread other([&] {
            (void)eventually([&] { return fleet.count("GET /units") > 0; });
            fleet.add(unit_running("aaa.service", "/bin/a"));
        });
        listed = names_of(target->list(call));
    }
    CHECK(listed == fleet.names());
    CHECK(fleet.count("GET /units page 3") == 2);
}

TEST_CASE("fleet: listings go on while others change the cluster", "[concurrent]") {
    FleetDouble fleet({.page_size = 10});
    add_nodes(fleet, 30);
    const auto target = open_fleet(fleet);
    TestCall call;
    int complete = 0;
    {
        const std::jthread changer([&] {
            for (int round = 0; round < 20; ++round) try {
                    const auto name = "zzz" + std::to_string(round) + ".service";
                    target->apply(unit_running(name, "/bin/z"), call);
                    if (round % 3 == 0) target->destroy(name, call);
                } catch (const Error& error) {
                    call.log().error(error.what());
                }
        });
        for (int round = 0; round < 5; ++round) {
            if (target->list(call).size() >= 30) ++complete;
        }
    }
    CHECK(complete == 5);
    CHECK_FALSE(call.log().holds("error"));
    CHECK(names_of(target->list(call)) == fleet.names());
}

TEST_CASE("fleet: ten thousand units") {
    FleetDouble fleet;
    add_nodes(fleet, 10'000);
    const TestCall call(4min);
    const auto target = open_fleet(fleet);
    CHECK(target->list(call).size() == 10'000);
    CHECK(fleet.requests().size() == 303);
}
