#include "rollout/failed_restarts.hpp"

#include "support/bound_sidekick.hpp"
#include "support/catch.hpp"
#include "support/rollout_scene.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("what failed is launched only after it was seen at rest, when somebody has it tried again",
          "[R43][concurrent]") {
    RolloutScene scene(1);
    scene.have("foo@1.service", "v2");
    scene.orders.unproven = {"foo@1.service"};
    scene.orders.retried = {"foo"};
    std::mutex mutex;
    int looks_at_rest = 0;
    bool runs = false;
    scene.target.before = [&](const std::string& call) {
        const std::lock_guard lock(mutex);
        runs = runs || (call == "set foo@1.service launched" && looks_at_rest >= 3);
    };
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
        const std::lock_guard lock(mutex);
        if (unit.desired_state == DesiredState::launched) {
            return runs ? status : UnitStatus{Readiness::failed, "failed (failed)"};
        }
        return ++looks_at_rest < 3 ? UnitStatus{Readiness::waiting, "still stopping"} : status;
    };
    scene.roll_out();
    CHECK(runs);
    CHECK(scene.target.writes() ==
          std::vector<std::string>{"set foo@1.service inactive", "set foo@1.service launched"});
    CHECK(scene.booked.empty());
    CHECK(scene.end.findings.not_ready.empty());
}

TEST_CASE("a sidekick that stopped when its node failed is started with the node, when somebody has it tried again",
          "[R43][concurrent]") {
    RolloutScene scene(2);
    BoundSidekick sidekick(scene);
    for (const auto* const unit : {"foo@1.service", "foo@2.service"}) scene.have(unit, "v2");
    scene.have("foo-sidekick@2.service", "s1");
    scene.want("foo-sidekick@2.service", "s1");
    scene.orders.unproven = {"foo@1.service", "foo-sidekick@1.service", "foo@2.service", "foo-sidekick@2.service"};
    scene.orders.retried = {"foo"};
    sidekick.stop();
    std::atomic<bool> has_failed = true;
    scene.target.judge = [&, judge = scene.target.judge](const Unit& unit, const UnitStatus& status) {
        if (unit.name == "foo@1.service" && unit.desired_state == DesiredState::inactive) has_failed = false;
        const bool is_down = unit.name == "foo@1.service" && has_failed;
        return is_down ? UnitStatus{Readiness::failed, "failed (failed)"} : judge(unit, status);
    };
    scene.roll_out();
    CHECK(sidekick.runs());
    CHECK(scene.end.findings.not_ready.empty());
    CHECK(scene.target.count("set foo-sidekick@1.service inactive") == 1);
    CHECK(scene.target.count("set foo@2.service inactive") == 0);
}

TEST_CASE("what is to be tried again is left launched, whatever the target says of it at rest",
          "[R33][R43][concurrent]") {
    const auto kind = GENERATE(ErrorKind::rejected, ErrorKind::unavailable);
    RolloutScene scene(1);
    scene.policy.timeout = 100ms;
    scene.have("foo@1.service", "v2");
    scene.orders.unproven = {"foo@1.service"};
    scene.orders.retried = {"foo"};
    scene.target.judge = [&](const Unit& unit, const UnitStatus&) {
        if (unit.desired_state == DesiredState::inactive) throw Error(kind, "no such thing");
        return UnitStatus{Readiness::failed, "failed (failed)"};
    };
    scene.roll_out();
    CHECK(scene.target.count("set foo@1.service inactive") == 1);
    CHECK(scene.target.units().at("foo@1.service").desired_state == DesiredState::launched);
}
