#include "rollout/way_back.hpp"

#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/rollout_scene.hpp"

#include <atomic>
#include <string>
#include <vector>

using namespace deployer;

TEST_CASE("with rollback, what was changed goes back in reverse order, through the same gates", "[R43][concurrent]") {
    RolloutScene scene(3);
    scene.rules().on_timeout = OnTimeout::rollback;
    scene.break_version("foo@3.service", "v2");
    std::vector<std::string> before_booking;
    scene.on_book = [&] { before_booking = scene.target.writes(); };
    scene.roll_out();
    CHECK_FALSE(scene.end.error);
    CHECK(scene.outcome_of("foo") == Outcome::rolled_back);
    for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) {
        CHECK(scene.version_of(node) == "v1");
        CHECK(scene.status_of(node) == ChangeStatus::rolled_back);
    }
    CHECK(scene.result_of("foo@3.service").error == "will not become ready: exit code 1");
    CHECK(scene.result_of("foo@1.service").error == "put back: foo@3.service will not become ready: exit code 1");
    const std::vector<std::string> there{"apply foo@1.service", "apply foo@2.service", "apply foo@3.service"};
    auto and_back = there;
    and_back.insert(and_back.end(), there.rbegin(), there.rend());
    CHECK(scene.target.writes() == and_back);
    // The verdict is booked before the first unit is put back, so a kill after that cannot lose the verdict.
    CHECK(before_booking == there);
    CHECK(scene.booked ==
          std::vector<GroupOutcome>{{"foo", Outcome::rolled_back, "foo@3.service will not become ready: exit code 1"}});
}

TEST_CASE("on the way back, too, a node is ready before the next one is touched", "[R43][concurrent]") {
    RolloutScene scene(3);
    scene.rules().on_timeout = OnTimeout::rollback;
    std::atomic<bool> restoring = false;
    std::atomic<int> looks = 0;
    scene.on_book = [&] { restoring = true; };
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) -> UnitStatus {
        if (unit.name == "foo@2.service" && is_version(unit, "v2")) return {Readiness::failed, "exit code 1"};
        if (restoring && unit.name == "foo@2.service" && ++looks < 5) return {Readiness::waiting, "starting"};
        return status;
    };
    int looks_at_next = 0;
    scene.target.before = [&](const std::string& call) {
        if (restoring && call == "apply foo@1.service") looks_at_next = looks;
    };
    scene.roll_out();
    CHECK(looks_at_next >= 5);
    CHECK(scene.outcome_of("foo") == Outcome::rolled_back);
}

TEST_CASE("what cannot be put back is halted, and says so", "[R43][concurrent]") {
    RolloutScene scene(3);
    scene.rules().on_timeout = OnTimeout::rollback;
    scene.break_version("foo@2.service", "v2");
    std::atomic<bool> restoring = false;
    scene.on_book = [&] { restoring = true; };
    scene.target.before = [&](const std::string& call) {
        if (restoring && call == "apply foo@2.service") throw Error(ErrorKind::rejected, "no room for it");
    };
    scene.roll_out();
    CHECK(scene.outcome_of("foo") == Outcome::halted);
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::failed);
    CHECK(holds(scene.result_of("foo@2.service").error, "not put back: foo@2.service: no room for it"));
    CHECK(scene.status_of("foo@3.service") == ChangeStatus::skipped);
}

TEST_CASE("a new node has nothing to go back to and stays", "[R43][concurrent]") {
    RolloutScene scene(3);
    scene.rules().on_timeout = OnTimeout::rollback;
    scene.want("foo@4.service", "v2");
    scene.break_version("foo@1.service", "v2");
    scene.roll_out();
    CHECK(scene.outcome_of("foo") == Outcome::rolled_back);
    CHECK(scene.version_of("foo@1.service") == "v1");
    CHECK(scene.version_of("foo@4.service") == "v2");
    CHECK(scene.status_of("foo@4.service") == ChangeStatus::done);
}

TEST_CASE("a unit that the target refuses is no verdict on its content", "[R43][concurrent]") {
    RolloutScene scene(3);
    scene.rules().on_timeout = OnTimeout::rollback;
    scene.target.before = [](const std::string& call) {
        if (call == "apply foo@2.service") throw Error(ErrorKind::rejected, "line too long");
    };
    scene.roll_out();
    CHECK(scene.booked.empty());
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
    CHECK(scene.status_of("foo@3.service") == ChangeStatus::skipped);
}
