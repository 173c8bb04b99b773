#pragma once

#include "actual/actual.hpp"
#include "events/report.hpp"
#include "plan/outcome.hpp"
#include "rollout/rollout_groups.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace deployer {

/// The facts about a group's run, besides the results of its changes, that decide the group's outcome.
struct GroupFate {
    std::string obstacle;        ///< why no other step begins; empty: other steps may begin
    std::string verdict;         ///< the unit that convicts the content, and why; empty: no verdict
    bool is_there = false;       ///< the service is there, although the listing lacks it
    bool is_superseded = false;  ///< the group was superseded before all its changes had their turn
    bool is_put_back = false;    ///< the changed nodes are to be put back
    std::string not_restored;    ///< the unit that could not be put back, and why
};

/// A node to put back to its former version.
struct Return {
    std::vector<DeployedUnit> units{};       ///< with their former content and state
    std::vector<DeployedUnit> companions{};  ///< units of the node that were not changed
    std::vector<std::size_t> results{};      ///< of the changes to undo; empty for changes of an earlier cycle
};

/// Whether all changes of the group have had their turn. `results` has one entry for each change of the plan.
/// `is_ending`: the run ends early, so failures may come from that. Pure.
bool is_through(const RolloutGroup& group, const std::vector<ChangeResult>& results, bool is_ending);

/// The nodes to put back after a verdict, with `on_timeout: rollback`: the nodes of the steps that have `begun`. The
/// last one is to be put back first. Units without a known former version are left out. Pure.
std::vector<Return> returns_of(const RolloutGroup& group, const std::vector<std::size_t>& begun,
                               const std::vector<ChangeResult>& results);

/// The outcome to book after a verdict, before any unit is put back (R43). Pure.
Outcome outcome_of_verdict(const RolloutGroup& group, bool is_anything_put_back);

/// The outcome of a group that has ended; nullopt if it follows from the results of the changes. `why_ended` is the
/// reason for an early end of the run. Pure.
std::optional<GroupOutcome> outcome_of(const RolloutGroup& group, const GroupFate& fate,
                                       const std::vector<ChangeResult>& results, const std::string& why_ended);

}  // namespace deployer
