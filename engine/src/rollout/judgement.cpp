#include "rollout/judgement.hpp"

#include "rollout/group_changes.hpp"

#include <algorithm>
#include <utility>

namespace deployer {
namespace {

/// Whether the target may have the change.
bool is_attempted(const ChangeResult& result) {
    return result.status == ChangeStatus::done || result.status == ChangeStatus::failed ||
           result.status == ChangeStatus::broken_off;
}

/// The unit as it was when it was last seen ready. Without content: the unit did not exist.
DeployedUnit former_of(const RolloutGroup& group, const Change& change) {
    const auto older = std::find_if(group.former.begin(), group.former.end(),
                                    [&](const auto& unit) { return unit.name == change.unit; });
    return older != group.former.end() ? *older : DeployedUnit{change.unit, change.former, change.former_state};
}

std::optional<GroupOutcome> outcome_in_time(const RolloutGroup& group, const GroupFate& fate,
                                            const std::vector<ChangeResult>& results) {
    if (fate.is_put_back) {
        if (fate.not_restored.empty()) return GroupOutcome{group.service, Outcome::rolled_back, fate.verdict};
        return GroupOutcome{group.service, Outcome::halted, fate.verdict + "; not put back: " + fate.not_restored};
    }
    if (!fate.verdict.empty()) return GroupOutcome{group.service, outcome_of_verdict(group, false), fate.verdict};
    if (fate.is_there) return GroupOutcome{group.service, Outcome::degraded, fate.obstacle};
    if (!group.is_returning) return std::nullopt;
    if (!fate.obstacle.empty()) return GroupOutcome{group.service, Outcome::halted, fate.obstacle};
    if (changes_present_unit(group, results)) return GroupOutcome{group.service, Outcome::rolled_back, {}};
    return std::nullopt;
}

}  // namespace

bool is_through(const RolloutGroup& group, const std::vector<ChangeResult>& results, bool is_ending) {
    return std::all_of(group.steps.begin(), group.steps.end(), [&](const auto& step) {
        return std::all_of(step.changes.begin(), step.changes.end(), [&](auto index) {
            const auto status = results[index].status;
            return status == ChangeStatus::done || (status == ChangeStatus::failed && !is_ending);
        });
    });
}

std::vector<Return> returns_of(const RolloutGroup& group, const std::vector<std::size_t>& begun,
                               const std::vector<ChangeResult>& results) {
    std::vector<Return> returns;
    if (group.on_timeout != OnTimeout::rollback) return returns;
    for (const auto& unit : group.former) {
        if (!changes_unit(group, results, unit.name)) returns.push_back({{unit}, {}, {}});
    }
    for (const auto step : begun) {
        Return way_back{{}, group.steps[step].companions, {}};
        for (const auto index : group.steps[step].changes) {
            auto former = former_of(group, results[index].change);
            if (!is_attempted(results[index]) || former.content == nullptr) continue;
            way_back.units.push_back(std::move(former));
            way_back.results.push_back(index);
        }
        if (!way_back.units.empty()) returns.push_back(std::move(way_back));
    }
    return returns;
}

Outcome outcome_of_verdict(const RolloutGroup& group, bool is_anything_put_back) {
    if (group.on_timeout == OnTimeout::go_on) return Outcome::degraded;
    return is_anything_put_back ? Outcome::rolled_back : Outcome::halted;
}

std::optional<GroupOutcome> outcome_of(const RolloutGroup& group, const GroupFate& fate,
                                       const std::vector<ChangeResult>& results, const std::string& why_ended) {
    auto outcome = outcome_in_time(group, fate, results);
    const bool is_decided = outcome && !group.is_returning && fate.not_restored.empty();
    if (fate.is_superseded && !is_decided) return GroupOutcome{group.service, Outcome::superseded, why_ended};
    return outcome;
}

}  // namespace deployer
