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

/// How a group fared, besides the results of its changes.
struct GroupFate {
    std::string obstacle;        ///< why no other step begins; empty: nothing stands in the way
    std::string verdict;         ///< the unit that convicts the content, and why; empty: none does
    bool is_there = false;       ///< the service is there, although the listing lacks it
    bool is_superseded = false;  ///< the group was superseded before it was through
    bool was_put_back = false;   ///< at least in part
    std::string not_restored;    ///< the unit that could not be put back, and why
};

/// A node that is put back.
struct Return {
    std::vector<DeployedUnit> units{};       ///< as they were
    std::vector<DeployedUnit> companions{};  ///< units of the node that were not changed
    std::vector<std::size_t> results{};      ///< of the changes that this undoes; none for those of an earlier cycle
};

/// Whether all changes of the group have had their turn. `results` has one entry for each change of the plan, and
/// `is_ending` tells that the run ends early, so that failures may be none of their own. Pure.
bool is_through(const RolloutGroup& group, const std::vector<ChangeResult>& results, bool is_ending);

/// The nodes to put back after a verdict, with `on_timeout: rollback`: those of the steps that have `begun`, the next
/// one to be put back last. Units of which nothing is known to go back to are left out. Pure.
std::vector<Return> returns_of(const RolloutGroup& group, const std::vector<std::size_t>& begun,
                               const std::vector<ChangeResult>& results);

/// The outcome that a verdict leads to, as it is booked before anything is put back (R43). Pure.
Outcome outcome_of_verdict(const RolloutGroup& group, bool is_anything_put_back);

/// The outcome of a group that has ended; nullopt where the results of its changes tell it all. `why_ended` is why the
/// run ended early. Pure.
std::optional<GroupOutcome> outcome_of(const RolloutGroup& group, const GroupFate& fate,
                                       const std::vector<ChangeResult>& results, const std::string& why_ended);

}  // namespace deployer
