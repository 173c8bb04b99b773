#include "support/fleet_lines.hpp"

#include <chrono>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("fleet: what fleet refuses is rejected in its own words") {
    FleetDouble fleet;
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call);
    for (const int status : {400, 405, 409, 413, 415, 422}) {
        fleet.forget_requests();
        fleet.set_fault(fault_on("PUT foo.service", {.status = status, .message = "not that"}));
        const auto error = thrown_by([&] { target->apply(unit_running("foo.service", "a"), call); });
        CHECK(error.kind() == ErrorKind::rejected);
        CHECK(std::string(error.what()) == "PUT " + fleet.endpoint() + "/fleet/v1/units/foo.service: the answer is " +
                                               std::to_string(status) + ": not that");
        CHECK(fleet.requests() == Lines{"PUT foo.service"});
    }
}

TEST_CASE("fleet: what something in between refuses is not the unit's fault, unless it is its size") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    for (const int status : {400, 404, 405, 409, 413}) {
        fleet.set_fault(fault_on("PUT foo.service", {.status = status, .body = "<html>nginx</html>"}));
        const auto is_size = status == 413;
        for (const auto& error :
             {thrown_by([&] { target->apply(unit_running("foo.service", "a"), call); }),
              thrown_by([&] { target->set_desired_state("foo.service", DesiredState::loaded, call); })}) {
            CHECK(error.kind() == (is_size ? ErrorKind::rejected : ErrorKind::unavailable));
            CHECK(says(error, std::to_string(status) + ": \"<html>nginx</html>\""));
        }
    }
}

TEST_CASE("fleet: a 500 that comes again, while fleet is well, is that unit's fault") {
    FleetDouble fleet;
    const auto target = open_listed_fleet(fleet, TestCall());
    const auto unit = unit_running("foo.service", "/bin/foo");
    fleet.set_fault(fault_on("PUT foo.service", {.status = 500}));
    SECTION("it is asked again after a pause") {
        const TestCall call;
        const auto before = std::chrono::steady_clock::now();
        const auto error = thrown_by([&] { target->apply(unit, call); });
        CHECK(std::chrono::steady_clock::now() - before >= 2s);
        CHECK(error.kind() == ErrorKind::rejected);
        CHECK(says(error,
                   "the answer is 500, which it does not explain; fleet can list its units and look this one "
                   "up, so the cause is the unit"));
        CHECK(fleet.requests() == Lines{"PUT foo.service", "GET /units", "PUT foo.service", "GET foo.service"});
    }
    SECTION("at once where there is no time") {
        const TestCall hasty(4s);
        CHECK(thrown_by([&] { target->apply(unit, hasty); }).kind() == ErrorKind::rejected);
        CHECK(fleet.requests() == Lines{"PUT foo.service", "GET /units", "GET foo.service"});
    }
    SECTION("whatever is to be changed, in fleet's own words") {
        fleet.add(unit);
        fleet.set_fault([](const FleetRequest& request) {
            return request.method == "GET" ? std::nullopt
                                           : std::optional(FleetFault{.status = 500, .message = "etcd says no"});
        });
        const TestCall hasty(4s);
        for (const auto& error :
             {thrown_by([&] { target->apply(unit, hasty); }), thrown_by([&] { target->destroy("foo.service", hasty); }),
              thrown_by([&] { target->set_desired_state("foo.service", DesiredState::loaded, hasty); })}) {
            CHECK(error.kind() == ErrorKind::rejected);
            CHECK(says(error, "500: etcd says no; fleet can list"));
        }
    }
}

TEST_CASE("fleet: a 500 that does not come again is none") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    const auto unit = unit_running("foo.service", "/bin/foo");
    fleet.set_fault(fault_on("PUT foo.service", {.status = 500}, 1, 1));
    target->apply(unit, call);
    CHECK(fleet.find("foo.service") == unit);
}

TEST_CASE("fleet: while etcd has no leader no unit is to blame") {
    FleetDouble fleet;
    const auto unit = unit_running("foo.service", "/bin/foo");
    fleet.add(unit);
    const TestCall call;
    const auto target = open_listed_fleet(fleet, call);
    fleet.set_fault(without_leader);
    CHECK(thrown_by([&] { target->apply(unit_running("foo.service", "/bin/new"), call); }).kind() ==
          ErrorKind::unavailable);
    CHECK(fleet.requests() == Lines{"PUT foo.service", "GET /units"});
    CHECK(thrown_by([&] { target->apply(unit_running("bar.service", "/bin/new"), call); }).kind() ==
          ErrorKind::unavailable);
    CHECK(thrown_by([&] { target->destroy("foo.service", call); }).kind() == ErrorKind::unavailable);
    CHECK(thrown_by([&] { target->set_desired_state("foo.service", DesiredState::loaded, call); }).kind() ==
          ErrorKind::unavailable);
    CHECK(target->status(unit, call).readiness == Readiness::ready);
}

TEST_CASE("fleet: a unit that fleet cannot read is rejected, whatever is asked of it; others are not") {
    FleetDouble fleet;
    const auto unit = unit_running("foo.service", "/bin/foo");
    fleet.add(unit);
    fleet.add(unit_running("bar.service", "/bin/bar"));
    fleet.spoil("foo.service");
    const auto target = open_fleet(fleet, GENERATE("update: auto", "update: recreate"));
    const TestCall hasty(4s);
    const auto resting = unit_running("foo.service", "/bin/foo", DesiredState::inactive);
    for (const auto& error :
         {thrown_by([&] { target->apply(unit, hasty); }), thrown_by([&] { target->destroy("foo.service", hasty); }),
          thrown_by([&] { target->set_desired_state("foo.service", DesiredState::loaded, hasty); }),
          thrown_by([&] { (void)target->status(resting, hasty); })}) {
        CHECK(error.kind() == ErrorKind::rejected);
        CHECK(says(error,
                   "500, which it does not explain; fleet can list its units, but not read this one, so the cause "
                   "is what fleet has stored of the unit"));
    }
    const TestCall call;
    CHECK(names_of(target->list(call)) == Lines{"bar.service"});
    target->destroy("bar.service", call);
}

TEST_CASE("fleet: asking whose fault a 500 is ends at stop") {
    FleetDouble fleet;
    TestCall call;
    const auto target = open_listed_fleet(fleet, call);
    const auto delay = GENERATE(0h, 1h);  // the stop comes in the pause, or during the question
    fleet.set_fault([=](const FleetRequest& request) -> std::optional<FleetFault> {
        if (request.method == "PUT") return FleetFault{.status = 500};
        return FleetFault{.delay = delay};
    });
    const std::jthread stopper([&] {
        (void)fleet.server().wait_for_requests(2);
        call.request_stop();
    });
    const auto error = thrown_by([&] { target->apply(unit_running("foo.service", "/bin/foo"), call); });
    CHECK(error.kind() == ErrorKind::cancelled);
}

TEST_CASE("fleet: a unit that is gone is destroyed, though fleet answers 500") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall hasty(4s);
    fleet.set_fault(fault_on("DELETE foo.service", {.status = 500}));
    target->destroy("foo.service", hasty);
    fleet.add(unit_running("foo.service", "/bin/foo"));
    CHECK(thrown_by([&] { target->destroy("foo.service", hasty); }).kind() == ErrorKind::rejected);
}

TEST_CASE("fleet: a fleet that is not well is unavailable, whatever is asked of it") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    // The deadline is short: if a pause would outlast it, the last answer counts at once.
    const auto status = GENERATE(429, 500, 502, 503, 504, 302);
    fleet.set_fault([=](const FleetRequest&) { return FleetFault{.status = status, .message = "not now"}; });
    const auto unit = unit_running("foo.service", "/bin/foo");
    const std::vector<std::function<void(const Call&)>> actions{
        [&](const Call& call) { (void)target->list(call); }, [&](const Call& call) { target->apply(unit, call); },
        [&](const Call& call) { target->set_desired_state("foo.service", DesiredState::loaded, call); },
        [&](const Call& call) { target->destroy("foo.service", call); },
        [&](const Call& call) { (void)target->status(unit, call); }};
    for (const auto& action : actions) {
        const TestCall call(90ms);
        const auto error = thrown_by([&] { action(call); });
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, std::to_string(status)));
        CHECK(says(error, "not now"));
    }
}

TEST_CASE("fleet: a fleet that lets nobody in is a matter of the configuration") {
    FleetDouble fleet;
    const auto target = open_fleet(fleet);
    const TestCall call;
    const auto status = GENERATE(401, 403);
    fleet.set_fault([=](const FleetRequest&) { return FleetFault{.status = status}; });
    CHECK(thrown_by([&] { (void)target->list(call); }).kind() == ErrorKind::misconfigured);
    CHECK(thrown_by([&] { target->destroy("foo.service", call); }).kind() == ErrorKind::misconfigured);
}

TEST_CASE("fleet: a 404 that is not fleet's own does not say that a unit is absent") {
    FleetDouble fleet;
    fleet.add(unit_running("foo.service", "/bin/foo"));
    const auto target = open_fleet(fleet);
    const TestCall call;
    fleet.set_fault([](const FleetRequest&) { return FleetFault{.status = 404, .body = "<html>no backend</html>"}; });
    for (const auto& error : {thrown_by([&] { target->destroy("foo.service", call); }),
                              thrown_by([&] { target->set_desired_state("foo.service", DesiredState::loaded, call); }),
                              thrown_by([&] { (void)target->list(call); })}) {
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "404: \"<html>no backend</html>\""));
    }
}
