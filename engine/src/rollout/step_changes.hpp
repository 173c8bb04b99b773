#pragma once

#include "events/report.hpp"
#include "rollout/rollout_groups.hpp"
#include "rollout/run_tools.hpp"

#include <deployer/error.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace deployer {

/// Makes the changes of a step one after the other; after one that fails the rest is skipped. Returns "UNIT failed", or
/// an empty text when all went well. An error that every other call would meet ends the run.
std::string make_changes(const RolloutStep& step, const RunTools& tools);

/// None of the step's changes is made, for the reason `why`.
void skip_changes(const RolloutStep& step, const std::string& why, std::vector<ChangeResult>& results);

/// The step's changes were made, but the wait for the node ended with the run, so nobody knows whether they are good.
void break_off(const RolloutStep& step, const std::string& why, const RunTools& tools);

/// The node of the step did not become ready. `unit` is the unit that was not, with the `error` that the wait ended
/// with. A companion (an unchanged sidekick) that is not ready counts against the last change made to its node. Returns
/// the index of the change that is blamed.
std::size_t blame(const RolloutStep& step, const std::string& unit, const Error& error,
                  std::vector<ChangeResult>& results);

void fail(ChangeResult& result, const std::string& why);

/// Tells the event stream how each of the step's changes ended.
void tell_ends(const RolloutStep& step, const RunTools& tools);

}  // namespace deployer
