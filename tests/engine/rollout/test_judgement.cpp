#include "rollout/judgement.hpp"

#include "support/catch.hpp"
#include "support/rollout_scene.hpp"

#include <string>
#include <vector>

using namespace deployer;

namespace {

/// A sequential service foo. Its first step creates a node; every other step updates one node from v1 to v2.
struct Group {
    std::vector<ChangeResult> results;
    RolloutGroup group{"foo", GroupKind::node_by_node};

    Group() {
        add(ChangeKind::add_node, "foo@3.service", nullptr);
        add(ChangeKind::update, "foo@1.service", version("v1"));
        add(ChangeKind::update, "foo@2.service", version("v1"));
        group.on_timeout = OnTimeout::rollback;
    }

    void add(ChangeKind kind, const std::string& unit, const SharedContent& former) {
        Change change;
        change.kind = kind;
        change.unit = unit;
        change.service = "foo";
        change.content = version("v2");
        change.former = former;
        group.steps.push_back({{results.size()}, true, {}});
        results.push_back({change, ChangeStatus::done, {}});
    }

    [[nodiscard]] std::vector<std::string> put_back(const std::vector<std::size_t>& begun) const {
        std::vector<std::string> units;
        for (const auto& way_back : returns_of(group, begun, results)) units.push_back(way_back.units.front().name);
        return units;
    }
    [[nodiscard]] std::optional<GroupOutcome> outcome(const GroupFate& fate) const {
        return outcome_of(group, fate, results, "superseded by revision r2");
    }
};

}  // namespace

TEST_CASE("only nodes that were changed and were there before are put back", "[R43]") {
    Group scene;
    CHECK(scene.put_back({0, 2, 1}) == std::vector<std::string>{"foo@2.service", "foo@1.service"});
    scene.results[1].status = ChangeStatus::skipped;
    CHECK(scene.put_back({0, 2, 1}) == std::vector<std::string>{"foo@2.service"});
    scene.group.on_timeout = OnTimeout::halt;
    CHECK(scene.put_back({0, 2, 1}).empty());
}

TEST_CASE("a node goes back to what it was before the first of several cycles", "[R43]") {
    Group scene;
    scene.group.former = {{"foo@1.service", version("v0"), DesiredState::launched},
                          {"foo@4.service", version("v0"), DesiredState::launched}};
    const auto returns = returns_of(scene.group, {1}, scene.results);
    REQUIRE(returns.size() == 2);
    CHECK(returns[0].units.front().name == "foo@4.service");
    CHECK(returns[0].results.empty());
    CHECK(returns[1].units.front().name == "foo@1.service");
    CHECK(returns[1].units.front().content->options == version("v0")->options);
    CHECK(returns[1].results == std::vector<std::size_t>{1});
}

TEST_CASE("a verdict is booked as the outcome that it leads to", "[R43]") {
    Group scene;
    CHECK(outcome_of_verdict(scene.group, true) == Outcome::rolled_back);
    CHECK(outcome_of_verdict(scene.group, false) == Outcome::halted);
    scene.group.on_timeout = OnTimeout::go_on;
    CHECK(outcome_of_verdict(scene.group, false) == Outcome::degraded);
}

TEST_CASE("a group is through when all its changes are made or have failed by themselves", "[R43]") {
    Group scene;
    CHECK(is_through(scene.group, scene.results, true));
    scene.results[2].status = ChangeStatus::failed;
    CHECK(is_through(scene.group, scene.results, false));
    CHECK_FALSE(is_through(scene.group, scene.results, true));
    scene.results[1].status = ChangeStatus::skipped;
    CHECK_FALSE(is_through(scene.group, scene.results, false));
}

TEST_CASE("a group that was put back is rolled back, or halted where a unit could not be", "[R43]") {
    const Group scene;
    GroupFate fate;
    fate.verdict = "foo@2.service exit code 1";
    fate.is_put_back = true;
    CHECK(scene.outcome(fate)->outcome == Outcome::rolled_back);
    fate.not_restored = "foo@1.service: no room for it";
    CHECK(scene.outcome(fate)->outcome == Outcome::halted);
    CHECK(scene.outcome(fate)->detail == "foo@2.service exit code 1; not put back: foo@1.service: no room for it");
}

TEST_CASE("a superseded group says so, unless its content is convicted", "[R44]") {
    Group scene;
    GroupFate fate;
    fate.is_superseded = true;
    CHECK(scene.outcome(fate)->outcome == Outcome::superseded);
    CHECK(scene.outcome(fate)->detail == "superseded by revision r2");
    fate.verdict = "foo@2.service exit code 1";
    CHECK(scene.outcome(fate)->outcome == Outcome::halted);
    scene.group.is_returning = true;
    CHECK(scene.outcome(fate)->outcome == Outcome::superseded);
}

TEST_CASE("a group of which the changes tell all has no outcome of its own", "[R43]") {
    Group scene;
    CHECK_FALSE(scene.outcome({}));
    scene.group.is_returning = true;
    CHECK(scene.outcome({})->outcome == Outcome::rolled_back);
    GroupFate fate;
    fate.obstacle = "foo@1.service failed";
    CHECK(scene.outcome(fate)->outcome == Outcome::halted);
}
