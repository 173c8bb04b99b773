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
    std::vector<GroupOutcome> groups;  ///< of groups that neither ended well nor failed in the plain way
    Findings findings;
    bool overtaken = false;  ///< a newer revision, or a pause, has ended the run
};

/// Carries out groups on a target with a bounded pool of threads, none of which is kept by a wait.
class Rollout {
public:
    /// `results` has one entry for each change of the plan, in its order, and must outlive the Rollout.
    Rollout(RolloutTools tools, std::vector<ChangeResult>& results);

    /// Returns when every group has ended: each of its changes is then no longer `planned`. A stop request ends the
    /// waits, lets calls under way finish and skips the rest. So does the first `unavailable` or `misconfigured`, which
    /// is returned: going on would only collect failures. `attend` is called meanwhile, on this thread, and has to
    /// return when its token is stopped.
    RolloutEnd run(const std::vector<RolloutGroup>& groups, const std::function<void(std::stop_token)>& attend = {});

    /// Ends the rollout at the next safe point: no step begins, and no node is waited for any more (R44). `why` goes
    /// into the results: "superseded by revision r2". Any thread; holds for later calls of run() as well.
    void supersede(const std::string& why) { supersession_.request(why); }

private:
    RolloutTools tools_;
    std::vector<ChangeResult>& results_;
    Supersession supersession_;
};

}  // namespace deployer
