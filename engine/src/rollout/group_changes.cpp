#include "rollout/group_changes.hpp"

#include <algorithm>

namespace deployer {
namespace {

template <class Predicate>
bool any_change(const RolloutGroup& group, const std::vector<ChangeResult>& results, Predicate is_meant) {
    return std::any_of(group.steps.begin(), group.steps.end(), [&](const auto& step) {
        return std::any_of(step.changes.begin(), step.changes.end(),
                           [&](auto index) { return is_meant(results[index].change); });
    });
}

}  // namespace

bool changes_unit(const RolloutGroup& group, const std::vector<ChangeResult>& results, const std::string& unit) {
    return any_change(group, results, [&](const auto& change) { return change.unit == unit; });
}

bool changes_present_unit(const RolloutGroup& group, const std::vector<ChangeResult>& results) {
    return any_change(group, results, [](const auto& change) { return !is_create(change.kind); });
}

bool changes_unproven_unit(const RolloutGroup& group, const std::vector<ChangeResult>& results) {
    return any_change(group, results, [&](const auto& change) { return is_unproven(group, change.unit); });
}

bool creates_all(const RolloutGroup& group, const std::vector<ChangeResult>& results) {
    return group.is_fresh && !group.steps.empty() &&
           std::all_of(group.steps.begin(), group.steps.end(), [&](const auto& step) {
               return results[step.changes.front()].change.kind == ChangeKind::create_group;
           });
}

bool is_unproven(const RolloutGroup& group, const std::string& unit) {
    return std::find(group.unproven.begin(), group.unproven.end(), unit) != group.unproven.end();
}

std::vector<DeployedUnit> units_made(const RolloutStep& step, const std::vector<ChangeResult>& results) {
    std::vector<DeployedUnit> units;
    for (const auto index : step.changes) {
        const auto& change = results[index].change;
        units.push_back({change.unit, change.content, change.desired_state});
    }
    return units;
}

}  // namespace deployer
