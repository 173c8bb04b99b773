#include "plan/destroy_limits.hpp"
#include "support/catch.hpp"

using namespace deployer;

namespace {

UnwantedUnits unwanted(int count) {
    UnwantedUnits units;
    for (int i = 1; i <= count; ++i) {
        Change change;
        change.kind = ChangeKind::destroy_group;
        change.unit = "a" + std::to_string(i) + ".service";
        units.destroys.push_back(std::move(change));
    }
    return units;
}

PlanPolicy policy(MaxDestroy limit) {
    return {true, limit, {}};
}

Standstill quarantine(const std::string& service, std::size_t changes) {
    return {service, Outcome::quarantined, "did not become ready", changes};
}

}  // namespace

TEST_CASE("either all destroys of a cycle are allowed or none", "[R22][R24]") {
    CHECK(limit_destroys(unwanted(3), policy({3, false}), 100).allowed.size() == 3);
    const auto stopped = limit_destroys(unwanted(4), policy({3, false}), 100);
    CHECK(stopped.allowed.empty());
    CHECK(stopped.max_destroy == 4);
    CHECK(stopped.notes.size() == 1);
    const auto disabled = limit_destroys(unwanted(4), {}, 100);
    CHECK(disabled.allowed.empty());
    CHECK(disabled.destroy_disabled == 4);
    CHECK(disabled.max_destroy == 0);
}

TEST_CASE("a percentage of destroys is rounded down and allows a few on a small cluster", "[R24]") {
    CHECK(limit_destroys(unwanted(7), policy({50, true}), 15).allowed.size() == 7);
    CHECK(limit_destroys(unwanted(8), policy({50, true}), 15).allowed.empty());
    CHECK(limit_destroys(unwanted(5), policy({50, true}), 1).allowed.size() == 5);
    CHECK(limit_destroys(unwanted(1), policy({0, true}), 1'000).allowed.empty());
}

TEST_CASE("units that are in doubt or kept for a rollback get a note and no destroy", "[R17][R24]") {
    UnwantedUnits units;
    units.doubted = {"a.service"};
    units.kept["b"] = 2;
    const auto limited = limit_destroys(units, policy({100, true}), 10);
    CHECK(limited.allowed.empty());
    CHECK(limited.notes ==
          std::vector<std::string>{"2 units of b no longer wanted, left running: it was rolled back, and its former "
                                   "version may need them",
                                   "1 unit not listed, left running: nothing is destroyed while services.yaml is in "
                                   "doubt (a.service)"});
}

TEST_CASE("a held service stands in the way of destroys until it runs", "[R25]") {
    Plan plan;
    plan.held.push_back({"a", "is broken"});
    CHECK(find_destroy_obstacle(plan, {}, {}, {}) == "a is held and not running yet");
    CHECK(find_destroy_obstacle(plan, {}, {"a"}, {}).empty());
    CHECK(find_destroy_obstacle({}, {"b is paused", ""}, {}, {}) ==
          "b is paused and some of its units do not exist yet");
}

TEST_CASE("a service that is not as it is wanted stands in the way of destroys", "[R25]") {
    Plan plan;
    plan.standing = {quarantine("a", 0)};
    CHECK(find_destroy_obstacle(plan, {}, {}, {}).empty());
    const OpenDifferences open{"", "b.service"};
    CHECK(find_destroy_obstacle(plan, open, {}, {}) == "b.service still differs from the wanted state");
    plan.altered = {"c.service"};
    CHECK(find_destroy_obstacle(plan, open, {}, {}) == "c.service still differs from the wanted state");
    plan.standing = {quarantine("a", 1)};
    CHECK(find_destroy_obstacle(plan, open, {}, {}) == "a is quarantined and still differs from the wanted state");
    StandingOrders orders;
    orders.restoring = {"d"};
    CHECK(find_destroy_obstacle(plan, open, {}, orders) == "d was rolled back and is not restored yet");
}
