#include "rollout/absence_check.hpp"

#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/rollout_scene.hpp"

#include <chrono>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("a sequential service that is new is not created when it is there after all, and others go on",
          "[R41][concurrent]") {
    RolloutScene scene(3);
    scene.want("bar.service", "v1");
    scene.rules("bar").sequential = true;
    const ActualState listing_without_it;
    const auto plan = make_plan(scene.wanted, listing_without_it, {});
    scene.results = report_of(plan, scene.wanted).changes;
    bool goes_soon = false;
    SECTION("when it stays") {}
    SECTION("when it was just destroyed, and goes") {
        goes_soon = true;
        scene.target.before = [&, looks = 0](const std::string& call) mutable {
            if (call != "status foo@1.service" || ++looks != 3) return;
            for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) scene.target.remove(node);
        };
        scene.policy.parallelism = 1;
    }
    const Calls calls{scene.stop.get_token(), scene.log, 5s};
    Rollout rollout({scene.target, nullptr, scene.policy, calls, scene.events, scene.starts, {}}, scene.results);
    const auto end = rollout.run(make_rollout_groups(plan, scene.policy));
    CHECK_FALSE(end.error);
    CHECK(scene.status_of("bar.service") == ChangeStatus::done);
    if (goes_soon) {
        CHECK(end.groups.empty());
        CHECK(scene.target.units().size() == 4);
        return;
    }
    CHECK(scene.target.writes() == std::vector<std::string>{"apply bar.service"});
    REQUIRE(end.groups.size() == 1);
    CHECK(end.groups[0].service == "foo");
    CHECK(end.groups[0].outcome == Outcome::degraded);
    CHECK(holds(end.groups[0].detail, "foo@1.service is there"));
    for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) {
        CHECK(scene.status_of(node) == ChangeStatus::skipped);
    }
}
