#pragma once

#include "events/events.hpp"
#include "events/report.hpp"
#include "host/calls.hpp"
#include "rollout/ending.hpp"
#include "rollout/findings.hpp"
#include "rollout/rollout_groups.hpp"
#include "rollout/run_tools.hpp"

#include <deployer/error.hpp>

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace deployer {

/// How a run of a rollout ended, besides the results of its changes.
struct RolloutEnd {
    std::optional<Error> error;        ///< why the run ended early
    std::vector<GroupOutcome> groups;  ///< of groups whose outcome does not follow from the results of their changes
    Findings findings;
    bool overtaken = false;  ///< a newer revision, or a pause, has ended the run
};

/// Carries out groups on a target with a bounded number of threads. A wait for a node occupies no thread.
class Rollout {
public:
    /// `results` has one entry for each change of the plan, in its order, and must outlive the Rollout.
    Rollout(RolloutTools tools, std::vector<ChangeResult>& results);

    /// Returns when every group has ended; none of their changes is `planned` any more. A stop request ends the waits,
    /// lets calls under way finish, and skips the rest. The first error `unavailable` or `misconfigured` does so too,
    /// because every further call would fail alike; that error is returned. `attend` is called meanwhile, on this
    /// thread, and has to return when its token is stopped.
    RolloutEnd run(const std::vector<RolloutGroup>& groups, const std::function<void(std::stop_token)>& attend = {});

    /// Ends the rollout at the next safe point: no further step begins, and all waits for nodes end (R44). `why` goes
    /// into the results: "superseded by revision r2". Applies to later calls of run() too. Any thread.
    void supersede(const std::string& why) { supersession_.request(why); }

private:
    RolloutTools tools_;
    std::vector<ChangeResult>& results_;
    Supersession supersession_;
};

}  // namespace deployer
