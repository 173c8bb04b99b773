#pragma once

#include "actual/actual.hpp"
#include "plan/outcome.hpp"
#include "wanted/content.hpp"
#include "wanted/manifest.hpp"

#include <deployer/revision.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// The kinds of change that a plan makes to one unit. The order of the values is the order of a plan (R21).
enum class ChangeKind {
    create_group,     ///< a unit of a service that has no unit yet
    add_node,         ///< a unit of a service that has other units
    update,           ///< other content
    update_sidekick,  ///< other content, in a service where only sidekicks get other content
    set_state,        ///< same content, other desired state
    remove_node,      ///< an unwanted unit of a service that has wanted units
    destroy_group,    ///< an unwanted unit of a service that has no wanted unit
};

/// "create", "update", "set_state" or "destroy".
std::string_view action_of(ChangeKind kind) noexcept;

inline bool is_create(ChangeKind kind) noexcept {
    return kind <= ChangeKind::add_node;
}
inline bool is_destroy(ChangeKind kind) noexcept {
    return kind >= ChangeKind::remove_node;
}

/// One option whose values differ (R26). A value is absent on the side that lacks the option. In a plan, both values
/// are without secrets (R59).
struct OptionDifference {
    std::string section;
    std::string name;
    std::optional<std::string> from;
    std::optional<std::string> to;
    std::vector<std::string> hidden{};  ///< names of environment variables that differ, whose values are not shown

    bool operator==(const OptionDifference&) const = default;
};

/// One step of a plan: one unit.
struct Change {
    ChangeKind kind = ChangeKind::update;
    std::string unit;
    std::string service;
    SharedContent content;  ///< wanted; null for destroys
    SharedContent former;   ///< of the unit before the change; null for creates
    DesiredState desired_state = DesiredState::launched;
    std::string reason;  ///< for people, one line
    std::vector<OptionDifference> differences;
    DesiredState former_state = DesiredState::launched;  ///< before the change; meaningless for creates
};

/// A text by which later cycles recognise the same change. Two updates have the same signature exactly when they lead
/// from the same content and state to the same content and state.
std::string signature_of(const Change& change);

/// The order of a plan (R21, R40, R41): by kind, then by service, then node by node, the last node first where nodes
/// are removed. Of one node, the sidekick comes first, but after a node that is created.
bool comes_before(const Change& left, const Change& right);

/// A service of a plan that has nodes to wait for (R41, R42).
struct GatedGroup {
    std::string service;
    RolloutRules rules;
    /// Units that need no change, of nodes that need none, when other nodes are updated. They have to be ready before
    /// another node is touched: they may be the first nodes of a version that does not come up.
    std::vector<DeployedUnit> settled;
    /// Units that need no change, of nodes that do: a sidekick tells how its node is.
    std::vector<DeployedUnit> companions;
    std::vector<std::string> unproven;  ///< units that were not seen ready since they were changed
    std::vector<DeployedUnit> former;   ///< units as they were before a change that was never seen to end well
    bool fresh = false;                 ///< no unit of the service is there yet
    bool restarts = false;              ///< somebody asked for a retry: a unit that failed is started once more
    bool restoring = false;             ///< the service is on its way back from a rollout that ended badly
};

/// A service of which no unit is touched, and why.
struct Standstill {
    std::string service;
    Outcome outcome = Outcome::paused;  ///< paused or quarantined
    std::string reason;                 ///< for people, one line
    std::size_t changes = 0;            ///< changes of the service that are not made
    std::string advice{};               ///< how to end the standstill; may be empty

    bool operator==(const Standstill&) const = default;
};

/// The place in the list of the pause or quarantine that keeps this service as it is, be it for this service or for
/// all.
std::optional<std::size_t> find_standstill(const std::vector<Standstill>& standing, std::string_view service);

/// How many units a cycle left alone that differ, or that are not wanted.
struct LeftAlone {
    std::size_t destroy_disabled = 0;  ///< unwanted, but `destroy` is false (R22)
    std::size_t max_destroy = 0;       ///< unwanted, but too many at once (R24)
    std::size_t disputed = 0;          ///< wanted again by the second reading (R25)
    std::size_t protected_units = 0;   ///< differing or unwanted, but protected (R23)
    std::size_t altered = 0;           ///< differing, but the target did not give back what it was given

    bool operator==(const LeftAlone&) const = default;
};

/// The result of comparing the wanted state with the actual state.
struct Plan {
    Revision revision;
    std::vector<Change> changes;       ///< in order (R21): destroys are last
    std::vector<GatedGroup> gated;     ///< by service: groups that have nodes to wait for
    std::vector<Standstill> standing;  ///< by service: groups that are not touched
    std::vector<Held> held;
    /// Why no unit may be destroyed in this cycle (R25); empty when nothing stands in the way.
    std::string destroy_obstacle;
    LeftAlone left;
    std::vector<std::string> altered;  ///< names of the units of `left.altered` that are not changed
    std::vector<std::string> notes;    ///< finished messages on units left alone, and how to allow the change
};

}  // namespace deployer
