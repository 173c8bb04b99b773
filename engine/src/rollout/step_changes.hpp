#pragma once

#include "events/report.hpp"
#include "rollout/rollout_groups.hpp"
#include "rollout/run_tools.hpp"

#include <deployer/error.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace deployer {

/// Makes the changes of a step one after the other; after a change that fails the rest is skipped. Returns "UNIT
/// failed", or an empty text when no change failed. An error that every other call would meet ends the run.
std::string make_changes(const RolloutStep& step, const RunTools& tools);

/// Marks all changes of the step as not made, for the reason `why`.
void skip_changes(const RolloutStep& step, const std::string& why, std::vector<ChangeResult>& results);

/// Marks the changes of a step whose wait was broken off because the run is ending: they were made, but it is unknown
/// whether the node becomes ready.
void break_off(const RolloutStep& step, const std::string& why, const RunTools& tools);

/// Marks the change that is to blame for a node that did not become ready, and returns its index. The wait ended with
/// `error` at `unit`. A companion (an unchanged sidekick) that is not ready counts against the last change made to its
/// node.
std::size_t blame(const RolloutStep& step, const std::string& unit, const Error& error,
                  std::vector<ChangeResult>& results);

void fail(ChangeResult& result, const std::string& why);

/// Publishes the result of each of the step's changes.
void tell_ends(const RolloutStep& step, const RunTools& tools);

}  // namespace deployer
