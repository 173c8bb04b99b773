#include "rollout/step_run.hpp"

#include "support/catch.hpp"
#include "support/rollout_scene.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("with halt, nodes after one that does not become ready keep the old version", "[R41][R43][concurrent]") {
    RolloutScene scene;
    scene.policy.timeout = 20ms;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo@2.service", "foo@3.service"}) {
        scene.have(name, "v1");
        scene.want(name, "v2");
    }
    scene.have("bar.service", "v1");
    scene.want("bar.service", "v2");
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        const bool broken = unit.name == "foo@2.service" && unit.options == version("v2")->options;
        return broken ? UnitStatus{Readiness::waiting, "activating"} : status;
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.booked ==
          std::vector<GroupOutcome>{{"foo", Outcome::halted, "foo@2.service was not ready after 20ms: activating"}});
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::failed);
    CHECK(scene.result_of("foo@2.service").error == "was not ready after 20ms: activating");
    CHECK(scene.status_of("foo@3.service") == ChangeStatus::skipped);
    CHECK(scene.target.units().at("foo@3.service").options == version("v1")->options);
    CHECK(scene.status_of("bar.service") == ChangeStatus::done);

    SECTION("also when the rollout is tried again, because the node that has the new version is still not ready") {
        REQUIRE_FALSE(scene.roll_out());
        CHECK(scene.status_of("foo@3.service") == ChangeStatus::skipped);
        CHECK(scene.result_of("foo@3.service").error ==
              "not begun: foo@2.service, which has this version already, was not ready after 20ms: activating");
        CHECK(scene.target.units().at("foo@3.service").options == version("v1")->options);
    }
    SECTION("until it becomes ready after all") {
        scene.target.judge = [](const Unit&, const UnitStatus& status) { return status; };
        REQUIRE_FALSE(scene.roll_out());
        CHECK(scene.status_of("foo@3.service") == ChangeStatus::done);
    }
}

TEST_CASE("a unit that failed for good ends the wait at once", "[R41][concurrent]") {
    RolloutScene scene;
    scene.policy.timeout = 1h;
    scene.wanted.rules["foo"].sequential = true;
    scene.have("foo@1.service", "v1");
    scene.want("foo@1.service", "v2");
    scene.target.judge = [](const Unit&, const UnitStatus&) { return UnitStatus{Readiness::failed, "exit code 1"}; };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.result_of("foo@1.service").error == "will not become ready: exit code 1");
}

TEST_CASE("with continue, a node that the target rejects still keeps the others from being touched",
          "[R43][concurrent]") {
    RolloutScene scene;
    scene.policy.on_timeout = OnTimeout::go_on;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo@2.service"}) {
        scene.have(name, "v1");
        scene.want(name, "v2");
    }
    scene.target.before = [](const std::string& call) {
        if (call == "apply foo@1.service") throw Error(ErrorKind::rejected, "line too long");
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
}

TEST_CASE("with continue, the other nodes are changed all the same", "[R41][R43][concurrent]") {
    RolloutScene scene;
    scene.policy.timeout = 20ms;
    scene.policy.on_timeout = OnTimeout::go_on;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo@2.service"}) {
        scene.have(name, "v1");
        scene.want(name, "v2");
    }
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        return unit.name == "foo@1.service" ? UnitStatus{Readiness::waiting, "activating"} : status;
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::failed);
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::done);
}

TEST_CASE("the first node of a canary service has to be ready before the others are touched", "[R42][concurrent]") {
    RolloutScene scene(3);
    scene.rules() = {};
    scene.rules().canary = true;
    SECTION("when it is updated") {}
    SECTION("when it is created") {
        for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) scene.target.remove(node);
    }
    SECTION("and goes") {
        std::atomic<int> looks = 0;
        std::atomic<int> at_second = 0;
        scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
            if (unit.name == "foo@1.service" && is_version(unit, "v2")) ++looks;
            return status;
        };
        scene.target.before = [&](const std::string& call) {
            if (call == "apply foo@2.service") at_second = looks.load();
        };
        scene.roll_out();
        CHECK(at_second == 3);
        for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) {
            CHECK(scene.status_of(node) == ChangeStatus::done);
        }
        return;
    }
    std::atomic<bool> touched = false;
    scene.target.before = [&](const std::string& call) {
        if (call == "apply foo@2.service" || call == "apply foo@3.service") touched = true;
    };
    scene.break_version("foo@1.service", "v2");
    scene.roll_out();
    CHECK_FALSE(touched);
    CHECK(scene.outcome_of("foo") == Outcome::halted);
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
    CHECK(scene.booked.size() == 1);
}

TEST_CASE("no more than max_unavailable nodes of a sequential service are changed and not ready", "[R41][concurrent]") {
    const auto most = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3});
    RolloutScene scene(7);
    scene.policy.max_unavailable = most;
    std::mutex mutex;
    std::set<std::string> down;
    std::map<std::string, int> looks;
    std::size_t most_down = 0;
    scene.target.before = [&](const std::string& call) {
        if (call.rfind("apply ", 0) != 0) return;
        const std::scoped_lock lock(mutex);
        down.insert(call.substr(6));
        most_down = std::max(most_down, down.size());
    };
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) -> UnitStatus {
        if (!is_version(unit, "v2")) return status;
        const std::scoped_lock lock(mutex);
        // A node counts as up from the last look that its gate needs.
        if (++looks[unit.name] < 4) return {Readiness::waiting, "starting"};
        if (looks[unit.name] >= 6) down.erase(unit.name);
        return status;
    };
    scene.roll_out();
    CHECK(scene.outcome_of("foo") == Outcome::applied);
    CHECK(most_down == most);
}

TEST_CASE("a node that is down already is changed before one that is up", "[R41][concurrent]") {
    RolloutScene scene(3);
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        const bool down = unit.name == "foo@3.service" && is_version(unit, "v1");
        return down ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    scene.roll_out();
    CHECK(scene.target.writes() ==
          std::vector<std::string>{"apply foo@3.service", "apply foo@1.service", "apply foo@2.service"});
}
