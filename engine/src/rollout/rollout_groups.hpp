#pragma once

#include "actual/actual.hpp"
#include "plan/plan.hpp"

#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace deployer {

struct RolloutPolicy {
    std::size_t parallelism = 8;                 ///< calls to target and health at once
    std::chrono::milliseconds timeout{300'000};  ///< time for a node and its sidekick to become ready
    std::chrono::milliseconds poll{5'000};       ///< pause between two looks at a node
    OnTimeout on_timeout = OnTimeout::halt;      ///< unless services.yaml sets it
    std::size_t stable_samples = 3;              ///< looks in a row at which a node has to be ready
    std::size_t max_unavailable = 1;  ///< nodes of a sequential service at once, unless services.yaml sets it
    std::chrono::milliseconds placement_grace{60'000};  ///< time for the target to find a machine for a unit
};

/// The changes of one node. They are made in order; after a change that fails the rest is skipped.
struct RolloutStep {
    std::vector<std::size_t> changes;      ///< indices into Plan::changes
    bool gated = false;                    ///< the step ends when the units are ready (R42)
    std::vector<DeployedUnit> companions;  ///< units of the node that do not change
};

enum class GroupKind {
    verify,        ///< no changes: settled units are looked at, without waiting for them
    side_by_side,  ///< nodes change at the same time
    node_by_node,  ///< nodes that are down change first; no node changes after one that does not become ready
    destroy,       ///< units are destroyed one after the other
};

/// The changes of one service in a plan, and the rules for their rollout.
struct RolloutGroup {
    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

    std::string service;
    GroupKind kind = GroupKind::side_by_side;
    std::vector<RolloutStep> steps{};        ///< in the order in which they begin
    std::size_t at_once = unlimited;         ///< most steps that may be under way at the same time
    std::vector<DeployedUnit> settled{};     ///< units that have to be ready before the first step
    std::vector<DeployedUnit> companions{};  ///< unchanged units of the settled units' nodes
    std::vector<std::string> unproven{};     ///< units that an earlier cycle changed and that were not seen ready
    std::vector<DeployedUnit> former{};      ///< former contents of units that an earlier cycle changed
    std::optional<OnTimeout> on_timeout{};   ///< the reaction when a gate is not passed; absent: none
    bool canary = false;                     ///< the first step has to end well before another one begins
    bool restarts = false;                   ///< settled units that failed are started once more
    bool is_fresh = false;                   ///< no unit of the service was there when its rollout began
    bool is_returning = false;               ///< the service goes back to its former version; this is never rolled back

    /// Whether no further step begins after a step that fails.
    [[nodiscard]] bool halts() const noexcept { return kind == GroupKind::node_by_node || canary; }
};

/// The groups for all changes but destroys, in the order of the plan. The nodes of a service change side by side, or
/// node by node with gates (R40, R41). If destroys may follow, nodes that change side by side have gates too (R25).
/// Pure.
std::vector<RolloutGroup> make_rollout_groups(const Plan& plan, const RolloutPolicy& policy);

/// Groups that look at unproven units: an earlier cycle changed them, they were not seen ready since, and no other
/// group of the plan waits for them (R25, R31). `unproven` is sorted. Pure.
std::vector<RolloutGroup> make_verify_groups(const Plan& plan, const ActualState& actual,
                                             const std::vector<std::string>& unproven);

/// The groups for destroys of one kind, in the order of the plan. Each service's destroys come one after the other.
/// Pure.
std::vector<RolloutGroup> make_destroy_groups(const Plan& plan, ChangeKind kind);

}  // namespace deployer
