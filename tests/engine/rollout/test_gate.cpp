#include "rollout/gate.hpp"

#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/rollout_scene.hpp"

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

using Verdict = HealthReport::Verdict;

TEST_CASE("a node and its sidekick have one deadline together", "[R42][concurrent]") {
    RolloutScene scene;
    scene.policy.timeout = 200ms;
    scene.policy.poll = 200ms;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo-sidekick@1.service"}) {
        scene.have(name, "v1");
        scene.want(name, "v2");
    }
    scene.target.judge = [](const Unit&, const UnitStatus&) { return UnitStatus{Readiness::waiting, "activating"}; };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.result_of("foo-sidekick@1.service").error == "was not ready after 200ms: activating");
    CHECK(scene.result_of("foo@1.service").error == "was not seen ready: foo-sidekick@1.service failed");
    CHECK(scene.target.count("status foo-sidekick@1.service") == 2);
}

TEST_CASE("without a health check a node's sidekick tells how the node is, though it does not change itself",
          "[R42][concurrent]") {
    RolloutScene scene;
    scene.policy.timeout = 20ms;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* node : {"1", "2"}) {
        scene.have("foo@" + std::string(node) + ".service", "v1");
        scene.want("foo@" + std::string(node) + ".service", "v2");
        scene.have("foo-sidekick@" + std::string(node) + ".service", "s1");
        scene.want("foo-sidekick@" + std::string(node) + ".service", "s1");
    }
    SECTION("one that failed keeps the next node from being touched") {
        scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
            return is_sidekick(unit.name) ? UnitStatus{Readiness::failed, "failed (failed)"} : status;
        };
        REQUIRE_FALSE(scene.roll_out());
        CHECK(scene.result_of("foo@1.service").error ==
              "foo-sidekick@1.service was not ready after 20ms: failed (failed)");
        CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
    }
    SECTION("one that had failed comes back with its node") {
        std::atomic<int> looks = 0;
        scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
            const bool failed = is_sidekick(unit.name) && looks++ < 2;
            return failed ? UnitStatus{Readiness::failed, "failed (failed)"} : status;
        };
        scene.policy.timeout = 10s;
        REQUIRE_FALSE(scene.roll_out());
        CHECK(scene.status_of("foo@2.service") == ChangeStatus::done);
    }
}

TEST_CASE("a target that cannot be asked for a moment does not end a wait", "[R41][concurrent]") {
    RolloutScene scene;
    scene.wanted.rules["foo"].sequential = true;
    scene.have("foo@1.service", "v1");
    scene.want("foo@1.service", "v2");
    std::atomic<int> failures = 3;
    scene.target.before = [&](const std::string& call) {
        if (call.rfind("status", 0) == 0 && failures-- > 0) throw Error(ErrorKind::unavailable, "connection refused");
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
}

TEST_CASE("a node has to be ready at several looks in a row: one lucky look does not pass", "[R42][concurrent]") {
    RolloutScene scene(3);
    scene.policy.timeout = 100ms;
    std::atomic<int> looks = 0;
    SECTION("at its state") {
        scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
            const bool up = !is_version(unit, "v2") || ++looks % 3 != 0;
            return up ? status : UnitStatus{Readiness::waiting, "activating (auto-restart)"};
        };
    }
    SECTION("at its health") {
        scene.has_health = true;
        scene.health.judge = [&](const ServiceGroupRef&) {
            return ++looks % 3 != 0 ? HealthReport{Verdict::healthy, {}}
                                    : HealthReport{Verdict::unhealthy, "disk is full"};
        };
    }
    scene.roll_out();
    CHECK(looks > 5);
    CHECK(scene.outcome_of("foo") == Outcome::halted);
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::failed);
    CHECK(scene.version_of("foo@2.service") == "v1");
    CHECK(holds(scene.result_of("foo@1.service").error, "was not ready after 100ms: "));
}

TEST_CASE("an old node that is healthy cannot make a new one pass that is not there", "[R42][concurrent]") {
    RolloutScene scene(3);
    scene.policy.timeout = 30ms;
    scene.has_health = true;
    scene.break_version("foo@1.service", "v2", Readiness::waiting);
    scene.roll_out();
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::failed);
    CHECK(scene.health.questions() == 0);
}

TEST_CASE("an unhealthy node is waited for in vain, and the report says what the check said", "[R42][concurrent]") {
    RolloutScene scene(3);
    scene.policy.timeout = 30ms;
    scene.has_health = true;
    scene.health.judge = [](const ServiceGroupRef& group) {
        return HealthReport{Verdict::unhealthy, group.units == std::vector<std::string>{"foo@1.service"}
                                                    ? "paper is not there"
                                                    : "asked for another node"};
    };
    std::vector<std::string> waits;
    scene.events.subscribe([&](const Event& event) {
        if (const auto* wait = std::get_if<WaitingForReady>(&event)) waits.push_back(wait->unit + " " + wait->detail);
    });
    scene.roll_out();
    CHECK(scene.result_of("foo@1.service").error == "was not ready after 30ms: health check: paper is not there");
    CHECK(waits == std::vector<std::string>{"foo@1.service health check: paper is not there"});
}

TEST_CASE("where there is a health check, the sidekick's state does not count", "[R42][concurrent]") {
    RolloutScene scene(1);
    scene.policy.timeout = 30ms;
    scene.has_health = true;
    scene.have("foo-sidekick@1.service", "s1");
    scene.want("foo-sidekick@1.service", "s1");
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        return is_sidekick(unit.name) ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    SECTION("the service has one") {
        scene.roll_out();
        CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
    }
    SECTION("the service has none") {
        scene.health.judge = [](const ServiceGroupRef&) { return HealthReport{Verdict::not_checked, {}}; };
        scene.roll_out();
        CHECK(scene.status_of("foo@1.service") == ChangeStatus::failed);
    }
}

TEST_CASE("a health plugin that cannot tell ends the cycle, and is no verdict on the service", "[R42][concurrent]") {
    RolloutScene scene(3);
    scene.policy.timeout = 30ms;
    scene.rules().on_timeout = OnTimeout::rollback;
    scene.has_health = true;
    scene.health.judge = [](const ServiceGroupRef&) -> HealthReport {
        throw Error(ErrorKind::unavailable, "etcd does not answer");
    };
    scene.roll_out();
    REQUIRE(scene.end.error);
    CHECK(scene.end.error->kind() == ErrorKind::unavailable);
    CHECK(scene.booked.empty());
    CHECK(scene.version_of("foo@1.service") == "v2");
}

TEST_CASE("a unit that no machine takes is given up after a grace, before the node's time is over",
          "[R42][concurrent]") {
    RolloutScene scene(3);
    scene.policy.timeout = 1h;
    scene.policy.placement_grace = 20ms;
    scene.break_version("foo@1.service", "v2", Readiness::unplaced);
    scene.rules().on_timeout = GENERATE(OnTimeout::halt, OnTimeout::rollback);
    scene.roll_out();
    CHECK(scene.result_of("foo@1.service").error == "was on no machine after 20ms: exit code 1");
    // A missing machine says nothing about the content, so no verdict is booked.
    CHECK(scene.booked.empty());
    CHECK(scene.end.groups.empty());
    CHECK(scene.end.findings.unplaced == std::set<std::string>{"foo@1.service"});
    CHECK(scene.version_of("foo@1.service") == "v2");
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
}

TEST_CASE("what its machine never began says nothing of its content", "[R42][R43][concurrent]") {
    RolloutScene scene(3);
    scene.policy.timeout = 30ms;
    scene.rules().on_timeout = GENERATE(OnTimeout::halt, OnTimeout::rollback);
    scene.break_version("foo@1.service", "v2", Readiness::pending);
    scene.roll_out();
    CHECK(holds(scene.result_of("foo@1.service").error, "its machine has not begun"));
    CHECK(scene.booked.empty());
    CHECK(scene.end.groups.empty());
    CHECK(scene.target.writes() == std::vector<std::string>{"apply foo@1.service"});

    // Later rollouts only look at the unit; they wait for it only once its machine begins.
    scene.policy.timeout = 1h;
    scene.orders.unproven = {"foo@1.service"};
    scene.target.forget_calls();
    scene.roll_out();
    CHECK(scene.target.count("status foo@1.service") == 2);
    CHECK(scene.booked.empty());
    REQUIRE(scene.end.findings.not_ready.size() == 1);
    CHECK(scene.end.findings.not_ready[0].detail == "is still not begun by its machine: exit code 1");

    SECTION("when it does, it has all its time") {
        scene.policy.timeout = 500ms;
        std::atomic<int> looks = 0;
        scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
            const bool starts = unit.name == "foo@1.service" && is_version(unit, "v2") && ++looks < 5;
            return starts ? UnitStatus{Readiness::waiting, "activating"} : status;
        };
        std::this_thread::sleep_for(scene.policy.timeout);
        scene.roll_out();
        for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) {
            CHECK(scene.version_of(node) == "v2");
        }
    }
    SECTION("when what it begins fails, that is held against the content") {
        scene.break_version("foo@1.service", "v2");
        scene.roll_out();
        CHECK(scene.booked.size() == 1);
    }
}

TEST_CASE("the time of a node counts from when its machine begins", "[R42][concurrent]") {
    RolloutScene scene(1);
    scene.policy.timeout = 100ms;
    std::atomic<int> looks = 0;
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) -> UnitStatus {
        if (!is_version(unit, "v2") || ++looks > 2) return status;
        if (looks == 1) return {Readiness::pending, "not loaded yet"};
        // The machine begins when the time of a node is already over.
        std::this_thread::sleep_for(scene.policy.timeout);
        return {Readiness::waiting, "activating"};
    };
    scene.roll_out();
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
}

TEST_CASE("what fails while the target is out of reach now and then is not held against its content",
          "[R42][R43][concurrent]") {
    RolloutScene scene(3);
    scene.policy.timeout = 300ms;
    scene.rules().on_timeout = GENERATE(OnTimeout::halt, OnTimeout::rollback);
    const auto as = GENERATE(Readiness::failed, Readiness::waiting);
    scene.break_version("foo@1.service", "v2", as);
    std::atomic<int> failures = 2;
    std::atomic<bool> is_changed = false;
    scene.target.before = [&](const std::string& call) {
        if (call == "apply foo@1.service") is_changed = true;
        if (is_changed && call == "status foo@1.service" && failures-- > 0) {
            throw Error(ErrorKind::unavailable, "etcd is away");
        }
    };
    scene.roll_out();
    CHECK_FALSE(scene.end.error);
    CHECK(holds(scene.result_of("foo@1.service").error, "it could not be looked at for a while"));
    CHECK(scene.booked.empty());
    CHECK(scene.end.findings.shaken == std::set<std::string>{"foo"});
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
}
