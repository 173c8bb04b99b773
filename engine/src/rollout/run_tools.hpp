#pragma once

#include "events/events.hpp"
#include "events/report.hpp"
#include "host/calls.hpp"
#include "rollout/ending.hpp"
#include "rollout/findings.hpp"
#include "rollout/rollout_groups.hpp"
#include "rollout/task_queue.hpp"
#include "rollout/wait_starts.hpp"

#include <deployer/health.hpp>
#include <deployer/target.hpp>

#include <functional>
#include <vector>

namespace deployer {

/// The tools that a rollout uses. The referenced objects must outlive the Rollout.
struct RolloutTools {
    Target& target;
    Health* health;  ///< null: no health plugin
    const RolloutPolicy& policy;
    const Calls& calls;
    EventStream& events;
    WaitStarts& starts;
    /// Called with a group's outcome as soon as the outcome is decided, and before any unit is put back. Calls come one
    /// at a time, from any thread. An exception of it ends the rollout.
    std::function<void(const GroupOutcome&)> book;
    /// Called before a unit is put to rest to be started once more, from any thread. It may throw Error to prevent the
    /// restart.
    std::function<void()> before_restart = [] {};
};

/// The tools that the parts of one run share. The parts communicate only through them. They outlive all parts.
struct RunTools {
    const RolloutTools& rollout;
    std::vector<ChangeResult>& results;  ///< of the plan's changes; each entry belongs to one task at a time
    Ending& ending;
    FindingsList& findings;
    TaskQueue& queue;
    std::function<void(const GroupOutcome&)> book;  ///< calls RolloutTools::book; safe from any thread at any time
};

}  // namespace deployer
