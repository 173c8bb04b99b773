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
    std::chrono::milliseconds timeout{300'000};  ///< for a node to become ready, with its sidekick
    std::chrono::milliseconds poll{5'000};       ///< between two looks at a node
    OnTimeout on_timeout = OnTimeout::halt;      ///< where a service does not say
    std::size_t stable_samples = 3;              ///< looks in a row at which a node has to be ready
    std::size_t max_unavailable = 1;             ///< nodes of a sequential service at once, where it does not say
    std::chrono::milliseconds placement_grace{60'000};  ///< for the target to find a machine for a unit
};

/// Changes that belong together because they concern one node: in order, and once one fails the rest is skipped.
struct RolloutStep {
    std::vector<std::size_t> changes;      ///< indices into Plan::changes
    bool gated = false;                    ///< the step ends when the units are ready (R42)
    std::vector<DeployedUnit> companions;  ///< units of the node that do not change
};

enum class GroupKind {
    verify,        ///< no changes: settled units are looked at, and not waited for
    side_by_side,  ///< nodes change at the same time
    node_by_node,  ///< nodes that are down change first, and after a node that does not become ready none changes
    destroy,       ///< units are destroyed one after the other
};

/// The part of a plan that is rolled out of one service.
struct RolloutGroup {
    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

    std::string service;
    GroupKind kind = GroupKind::side_by_side;
    std::vector<RolloutStep> steps{};        ///< in the order in which they begin
    std::size_t at_once = unlimited;         ///< steps under way
    std::vector<DeployedUnit> settled{};     ///< units that have to be ready before the first step
    std::vector<DeployedUnit> companions{};  ///< of settled units
    std::vector<std::string> unproven{};     ///< units that an earlier cycle changed and that were not seen ready
    std::vector<DeployedUnit> former{};      ///< contents to go back to, of units that an earlier cycle changed
    std::optional<OnTimeout> on_timeout{};   ///< the consequence of a gate that is not passed; absent: none
    bool canary = false;                     ///< the first step has to end well before another one begins
    bool restarts = false;                   ///< settled units that failed are started once more
    bool is_fresh = false;                   ///< no unit of the service was there when its rollout began
    bool is_returning = false;               ///< the service goes back to its former version, and never back from that

    /// Whether a step that fails keeps those from beginning that have not begun.
    [[nodiscard]] bool halts() const noexcept { return kind == GroupKind::node_by_node || canary; }
};

/// Everything but the destroys, in the order of the plan: nodes side by side, or gated one by one (R40, R41). Where
/// destroys may follow, nodes that change side by side are gated too (R25). Pure.
std::vector<RolloutGroup> make_rollout_groups(const Plan& plan, const RolloutPolicy& policy);

/// Looks at units that an earlier cycle changed and that were not seen ready since, and that nothing else of the plan
/// waits for (R25, R31). `unproven` is sorted. Pure.
std::vector<RolloutGroup> make_verify_groups(const Plan& plan, const ActualState& actual,
                                             const std::vector<std::string>& unproven);

/// The destroys of one kind: one after the other in each service, in the order of the plan. Pure.
std::vector<RolloutGroup> make_destroy_groups(const Plan& plan, ChangeKind kind);

}  // namespace deployer
