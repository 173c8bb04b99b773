#include "rollout/companions.hpp"

#include "support/bound_sidekick.hpp"
#include "support/catch.hpp"
#include "support/rollout_scene.hpp"

#include <atomic>
#include <chrono>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("a sidekick that stopped along with its node is started once more", "[R42][concurrent]") {
    RolloutScene scene(1);
    BoundSidekick sidekick(scene);
    const std::vector<std::string> restarted{"apply foo@1.service", "set foo-sidekick@1.service inactive",
                                             "set foo-sidekick@1.service launched"};
    SECTION("without a health check the gate waits for it") {
        scene.roll_out();
        CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
        CHECK(sidekick.runs());
        CHECK(scene.target.writes() == restarted);
        CHECK(scene.end.findings.not_ready.empty());
    }
    SECTION("with one as well, though its state does not count") {
        scene.has_health = true;
        scene.roll_out();
        CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
        CHECK(sidekick.runs());
        CHECK(scene.target.writes() == restarted);
        CHECK(scene.end.findings.not_ready.empty());
    }
    SECTION("and is told when that was in vain") {
        scene.has_health = true;
        sidekick.is_broken = true;
        scene.roll_out();
        CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
        CHECK(scene.target.writes() == restarted);
        REQUIRE(scene.end.findings.not_ready.size() == 1);
        CHECK(scene.end.findings.not_ready[0] == NotReady{"foo-sidekick@1.service", "inactive (dead)", false});
    }
    SECTION("once: one that stays down ends the wait as before") {
        sidekick.is_broken = true;
        scene.policy.timeout = 300ms;
        scene.roll_out();
        CHECK(scene.result_of("foo@1.service").error ==
              "foo-sidekick@1.service was not ready after 300ms: inactive (dead)");
        CHECK(scene.target.writes() == restarted);
    }
}

TEST_CASE("a newer revision leaves no sidekick at rest that was being started once more", "[R33][R44][concurrent]") {
    RolloutScene scene(1);
    scene.policy.timeout = 1min;
    BoundSidekick sidekick(scene);
    scene.target.judge = [judge = scene.target.judge](const Unit& unit, const UnitStatus& status) {
        const bool asks_for_rest = unit.desired_state == DesiredState::inactive;
        return asks_for_rest ? UnitStatus{Readiness::waiting, "still stopping"} : judge(unit, status);
    };
    scene.attend = [&](Rollout& rollout, const std::stop_token& finished) {
        while (scene.target.count("set foo-sidekick@1.service inactive") == 0 && !finished.stop_requested()) {
            std::this_thread::sleep_for(1ms);
        }
        rollout.supersede("superseded by revision r2");
    };
    scene.roll_out();
    CHECK(scene.target.units().at("foo-sidekick@1.service").desired_state == DesiredState::launched);
}

TEST_CASE("a sidekick at rest whose status the target refuses to tell is launched all the same",
          "[R33][R42][concurrent]") {
    const auto kind = GENERATE(ErrorKind::rejected, ErrorKind::not_found, ErrorKind::misconfigured);
    CAPTURE(to_string(kind));
    RolloutScene scene(1);
    scene.policy.timeout = 100ms;
    BoundSidekick sidekick(scene);
    scene.target.judge = [kind, judge = scene.target.judge](const Unit& unit, const UnitStatus& status) {
        if (unit.desired_state == DesiredState::inactive) throw Error(kind, "no such thing");
        return judge(unit, status);
    };
    scene.roll_out();
    CHECK(scene.target.count("set foo-sidekick@1.service inactive") == 1);
    CHECK(scene.target.units().at("foo-sidekick@1.service").desired_state == DesiredState::launched);
}

TEST_CASE("a look by the way that starts a sidekick once more tries again when the target is out of reach",
          "[R25][R42][concurrent]") {
    RolloutScene scene;
    scene.policy.stable_samples = 1;
    scene.have("foo@1.service", "v2");
    BoundSidekick sidekick(scene);
    sidekick.stop();
    std::atomic<int> failures = 0;
    const auto known = scene.target.before;
    scene.target.before = [&](const std::string& call) {
        if (call == "set foo-sidekick@1.service inactive" && failures++ == 0) {
            throw Error(ErrorKind::unavailable, "timed out");
        }
        known(call);
    };
    scene.verify({"foo@1.service"});
    CHECK(failures == 2);
    CHECK(sidekick.runs());
    CHECK(scene.end.findings.not_ready.empty());
}

TEST_CASE("a unit that an earlier cycle changed is looked at once, and told when it is not ready",
          "[R25][R31][concurrent]") {
    RolloutScene scene;
    scene.have("foo@1.service", "v2");
    scene.break_version("foo@1.service", "v2", Readiness::waiting);
    scene.verify({"foo@1.service"});
    REQUIRE(scene.end.findings.not_ready.size() == 1);
    CHECK(scene.end.findings.not_ready[0] == NotReady{"foo@1.service", "exit code 1", true});
    CHECK(scene.target.writes().empty());
}
