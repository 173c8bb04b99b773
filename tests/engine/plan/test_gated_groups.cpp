#include "plan/gated_groups.hpp"
#include "support/catch.hpp"

#include <utility>

using namespace deployer;

namespace {

const std::map<std::string, RolloutRules, std::less<>> sequential{{"a", {true, false, {}, {}}}};

Plan plan_of(ChangeKind kind, const std::string& unit, const std::string& service = "a") {
    Plan plan;
    Change change;
    change.kind = kind;
    change.unit = unit;
    change.service = service;
    plan.changes.push_back(std::move(change));
    return plan;
}

std::vector<std::string> names_of(const std::vector<DeployedUnit>& units) {
    std::vector<std::string> names;
    for (const auto& unit : units) names.push_back(unit.name);
    return names;
}

std::vector<DeployedUnit> units(const std::vector<std::string>& names) {
    std::vector<DeployedUnit> all;
    for (const auto& name : names) all.push_back({name, nullptr});
    return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a service without rollout rules, or that is only destroyed, is not waited for", "[R41]") {
    CHECK(find_gated_groups(plan_of(ChangeKind::update, "b@1.service", "b"), {}, sequential, {}).empty());
    CHECK(find_gated_groups(plan_of(ChangeKind::remove_node, "a@2.service"), {}, sequential, {}).empty());
}

TEST_CASE("an update waits for the units of other nodes and takes those of its own for companions", "[R41]") {
    const auto plan = plan_of(ChangeKind::update, "a@1.service");
    const auto groups =
        find_gated_groups(plan, units({"a-sidekick@1.service", "a@2.service", "b@1.service"}), sequential, {});
    REQUIRE(groups.size() == 1);
    CHECK(names_of(groups[0].companions) == Names{"a-sidekick@1.service"});
    CHECK(names_of(groups[0].settled) == Names{"a@2.service"});
    CHECK_FALSE(groups[0].fresh);
}

TEST_CASE("a new node waits only for units that were not seen ready", "[R41]") {
    StandingOrders orders;
    orders.unproven = {"a@2.service"};
    const auto plan = plan_of(ChangeKind::add_node, "a@3.service");
    const auto groups = find_gated_groups(plan, units({"a@1.service", "a@2.service"}), sequential, orders);
    REQUIRE(groups.size() == 1);
    CHECK(names_of(groups[0].settled) == Names{"a@2.service"});
    CHECK(groups[0].unproven == Names{"a@2.service"});
}

TEST_CASE("a unit that was not seen ready is waited for without any change, unless its service is paused", "[R42]") {
    StandingOrders orders;
    orders.unproven = {"a@1.service"};
    CHECK(find_gated_groups({}, units({"a@1.service"}), sequential, orders).size() == 1);
    Plan paused;
    paused.standing.push_back({"", Outcome::paused, "somebody asked for it"});
    CHECK(find_gated_groups(paused, units({"a@1.service"}), sequential, orders).empty());
    orders.restoring = {"a"};
    CHECK(find_gated_groups({}, units({"a@1.service"}), sequential, orders).empty());
}

TEST_CASE("a service is fresh while no rollout of it found units", "[R41]") {
    const auto plan = plan_of(ChangeKind::create_group, "a@1.service");
    CHECK(find_gated_groups(plan, {}, sequential, {})[0].fresh);
    StandingOrders orders;
    orders.former["a@1.service"] = {"a@1.service", nullptr};
    const auto groups = find_gated_groups(plan, {}, sequential, orders);
    CHECK_FALSE(groups[0].fresh);
    CHECK(names_of(groups[0].former) == Names{"a@1.service"});
    StandingOrders going_on;
    going_on.fresh = {"a"};
    CHECK(find_gated_groups(plan_of(ChangeKind::add_node, "a@2.service"), {}, sequential, going_on)[0].fresh);
}
