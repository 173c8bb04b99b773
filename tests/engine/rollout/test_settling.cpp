#include "rollout/settling.hpp"

#include "support/catch.hpp"
#include "support/rollout_scene.hpp"

#include <chrono>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("a node that an earlier cycle changed is judged as if this one had", "[R33][R43][concurrent]") {
    RolloutScene scene(3);
    scene.have("foo@1.service", "v2");
    scene.break_version("foo@1.service", "v2");
    scene.orders.unproven = {"foo@1.service"};
    scene.orders.former["foo@1.service"] = {"foo@1.service", version("v1"), DesiredState::launched};
    SECTION("halt") {
        scene.roll_out();
        CHECK(scene.outcome_of("foo") == Outcome::halted);
        CHECK(scene.booked.size() == 1);
        CHECK(scene.target.writes().empty());
        REQUIRE(scene.end.findings.not_ready.size() == 1);
        CHECK(scene.end.findings.not_ready[0].unit == "foo@1.service");
    }
    SECTION("rollback") {
        scene.rules().on_timeout = OnTimeout::rollback;
        scene.roll_out();
        CHECK(scene.outcome_of("foo") == Outcome::rolled_back);
        CHECK(scene.target.writes() == std::vector<std::string>{"apply foo@1.service"});
        CHECK(scene.version_of("foo@1.service") == "v1");
        CHECK(scene.end.findings.not_ready.empty());
    }
    SECTION("also when it was the last, and nothing is left to change") {
        for (const auto* node : {"foo@2.service", "foo@3.service"}) scene.have(node, "v2");
        scene.roll_out();
        CHECK(scene.outcome_of("foo") == Outcome::halted);
        CHECK(scene.booked.size() == 1);
    }
    SECTION("while one that was seen ready before only holds things up") {
        scene.orders.unproven.clear();
        scene.policy.timeout = 20ms;
        scene.roll_out();
        CHECK(scene.version_of("foo@2.service") == "v1");
        CHECK(scene.booked.empty());
    }
}
