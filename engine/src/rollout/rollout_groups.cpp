#include "rollout/rollout_groups.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace deployer {
namespace {

using ServiceChanges = std::pair<std::string, std::vector<std::size_t>>;

/// The plan's changes by service, in order of first appearance.
template <class Predicate>
std::vector<ServiceChanges> group_by_service(const Plan& plan, Predicate wanted) {
    std::vector<ServiceChanges> groups;
    std::map<std::string_view, std::size_t> position;
    for (std::size_t i = 0; i < plan.changes.size(); ++i) {
        const auto& change = plan.changes[i];
        if (!wanted(change.kind)) continue;
        const auto [entry, fresh] = position.try_emplace(change.service, groups.size());
        if (fresh) groups.emplace_back(change.service, std::vector<std::size_t>{});
        groups[entry->second].second.push_back(i);
    }
    return groups;
}

/// One step for each node, in order of first appearance: creates come first in a plan, so new nodes do too.
std::vector<RolloutStep> split_by_node(const Plan& plan, const std::vector<std::size_t>& changes, bool gated) {
    std::vector<RolloutStep> steps;
    std::map<std::string_view, std::size_t> position;
    for (const auto index : changes) {
        const auto [entry, fresh] = position.try_emplace(instance_of(plan.changes[index].unit), steps.size());
        if (fresh) steps.push_back({{}, gated, {}});
        steps[entry->second].changes.push_back(index);
    }
    return steps;
}

const GatedGroup* find_gated(const Plan& plan, const std::string& service) {
    const auto found =
        std::find_if(plan.gated.begin(), plan.gated.end(), [&](const auto& group) { return group.service == service; });
    return found == plan.gated.end() ? nullptr : &*found;
}

void add_companions(RolloutGroup& group, const GatedGroup& gated, const Plan& plan) {
    for (const auto& companion : gated.companions) {
        const auto node = std::find_if(group.steps.begin(), group.steps.end(), [&](const auto& step) {
            return instance_of(plan.changes[step.changes.front()].unit) == instance_of(companion.name);
        });
        if (node != group.steps.end()) node->companions.push_back(companion);
    }
}

void apply_rules(RolloutGroup& group, const GatedGroup& gated, const Plan& plan, const RolloutPolicy& policy) {
    const auto& rules = gated.rules;
    group.unproven = gated.unproven;
    group.former = gated.former;
    group.is_fresh = gated.fresh;
    group.is_returning = gated.restoring;
    if (!gated.restoring) group.on_timeout = rules.on_timeout.value_or(policy.on_timeout);
    group.settled = gated.settled;
    group.restarts = gated.restarts;
    group.canary = rules.canary;
    // No unit of a fresh service runs yet, so a bad version takes none down: its nodes start together.
    if (rules.sequential && !gated.fresh) {
        for (auto& step : group.steps) step.gated = true;
        group.at_once = rules.max_unavailable.value_or(policy.max_unavailable);
        group.kind = GroupKind::node_by_node;
    }
    if (rules.canary && !group.steps.empty()) group.steps.front().gated = true;
    add_companions(group, gated, plan);
    // The node that was changed last is most likely to be broken, so it goes back first.
    if (gated.restoring) std::reverse(group.steps.begin(), group.steps.end());
}

/// The index of the group's first change in the plan; 0 for a group without changes, which comes before all others.
std::size_t first_change(const RolloutGroup& group) {
    std::size_t first = group.steps.empty() ? 0 : group.steps.front().changes.front();
    for (const auto& step : group.steps) first = std::min(first, step.changes.front());
    return first;
}

}  // namespace

std::vector<RolloutGroup> make_rollout_groups(const Plan& plan, const RolloutPolicy& policy) {
    std::vector<RolloutGroup> groups;
    // A unit must not be destroyed before the unit that replaces it is up (R25). So a plan with destroys waits for all
    // other units.
    const bool destroys =
        plan.destroy_obstacle.empty() && std::any_of(plan.changes.begin(), plan.changes.end(),
                                                     [](const auto& change) { return is_destroy(change.kind); });
    for (const auto& [service, changes] : group_by_service(plan, [](ChangeKind kind) { return !is_destroy(kind); })) {
        RolloutGroup group{service, GroupKind::side_by_side, split_by_node(plan, changes, destroys)};
        if (const auto* const gated = find_gated(plan, service)) apply_rules(group, *gated, plan, policy);
        groups.push_back(std::move(group));
    }
    for (const auto& gated : plan.gated) {
        const bool changes = std::any_of(groups.begin(), groups.end(),
                                         [&](const auto& group) { return group.service == gated.service; });
        if (changes) continue;
        RolloutGroup group{gated.service};
        apply_rules(group, gated, plan, policy);
        groups.push_back(std::move(group));
    }
    std::stable_sort(groups.begin(), groups.end(),
                     [](const auto& left, const auto& right) { return first_change(left) < first_change(right); });
    return groups;
}

std::vector<RolloutGroup> make_verify_groups(const Plan& plan, const ActualState& actual,
                                             const std::vector<std::string>& unproven) {
    std::set<std::string_view> covered;
    for (const auto& change : plan.changes) covered.insert(change.unit);
    for (const auto& group : plan.gated) {
        for (const auto& unit : group.settled) covered.insert(unit.name);
        for (const auto& unit : group.companions) covered.insert(unit.name);
    }
    const auto is_unproven = [&](const auto& unit) {
        return std::binary_search(unproven.begin(), unproven.end(), unit.name);
    };
    std::vector<RolloutGroup> groups;
    for (const auto& unit : actual.units) {
        if (!is_unproven(unit) || covered.contains(unit.name)) continue;
        // Each node has a gate of its own, because a node that is not ready says nothing about another node.
        RolloutGroup group{std::string(service_name(unit.name)), GroupKind::verify};
        group.settled.push_back(unit);
        groups.push_back(std::move(group));
    }
    for (const auto& unit : actual.units) {
        if (!is_sidekick(unit.name) || is_unproven(unit) || covered.contains(unit.name)) continue;
        const auto node = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
            return group.service == service_name(unit.name) &&
                   instance_of(group.settled.front().name) == instance_of(unit.name);
        });
        if (node != groups.end()) node->companions.push_back(unit);
    }
    return groups;
}

std::vector<RolloutGroup> make_destroy_groups(const Plan& plan, ChangeKind kind) {
    std::vector<RolloutGroup> groups;
    for (const auto& [service, changes] : group_by_service(plan, [kind](ChangeKind each) { return each == kind; })) {
        RolloutGroup group{service, GroupKind::destroy};
        group.at_once = 1;
        for (const auto index : changes) group.steps.push_back({{index}, false, {}});
        groups.push_back(std::move(group));
    }
    return groups;
}

}  // namespace deployer
