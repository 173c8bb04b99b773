#pragma once

#include "events/events.hpp"
#include "events/report.hpp"
#include "host/calls.hpp"
#include "plan/plan.hpp"
#include "rollout/wait_starts.hpp"

#include <deployer/error.hpp>
#include <deployer/health.hpp>
#include <deployer/target.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace deployer {

struct RolloutPolicy {
    std::size_t parallelism = 8;                        ///< calls to target and health at once
    std::chrono::milliseconds timeout{300'000};         ///< for a node to become ready, with its sidekick
    std::chrono::milliseconds poll{5'000};              ///< between two looks at a node
    OnTimeout on_timeout = OnTimeout::halt;             ///< where a service does not say
    std::size_t stable_samples = 3;                     ///< looks in a row at which a node has to be ready
    std::size_t max_unavailable = 1;                    ///< nodes of a sequential group at once, likewise
    std::chrono::milliseconds placement_grace{60'000};  ///< for the target to find a machine for a unit
};

/// Changes that belong together because they concern one node: in order, and once one fails the rest is skipped.
struct RolloutStep {
    std::vector<std::size_t> changes;      ///< indices into Plan::changes
    bool gated = false;                    ///< it ends when the units are ready (R42)
    std::vector<DeployedUnit> companions;  ///< units of the node that do not change
};

/// What is rolled out of one service.
struct RolloutGroup {
    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

    std::string service;
    std::vector<RolloutStep> steps;          ///< in the order in which they begin
    std::vector<DeployedUnit> settled{};     ///< have to be ready before the first step
    std::vector<DeployedUnit> companions{};  ///< of settled units
    bool is_brief = false;                   ///< settled units are looked at, and not waited for
    bool restarts = false;                   ///< settled units that failed are started once more
    std::vector<std::string> unproven{};     ///< units that an earlier cycle changed and that were not seen ready
    std::size_t at_once = unlimited;         ///< steps under way
    bool canary = false;                     ///< the first step has to end well before another one begins
    bool halts = false;                      ///< so has every other, but for a wait with `on_timeout: continue`
    bool spares_nodes = false;               ///< nodes that are down already go first
    bool confirms_absence = false;           ///< nothing of it may be there yet
    bool is_fresh = false;                   ///< nothing of it was there when its rollout began
    bool restoring = false;                  ///< on its way back: there is no going back from that
    std::vector<DeployedUnit> former{};      ///< what units that an earlier cycle changed go back to
    std::optional<OnTimeout> on_timeout{};   ///< what a gate that is not passed leads to; absent: nothing
};

/// Everything but the destroys, in the order of the plan: nodes side by side, or gated one by one (R40, R41). Where
/// destroys may follow, plain groups are gated too (R25). Pure.
std::vector<RolloutGroup> make_rollout_groups(const Plan& plan, const RolloutPolicy& policy);

/// Looks at units that an earlier cycle changed and that were not seen ready since, and that nothing else of the plan
/// waits for (R25, R31). `unproven` is sorted. Pure.
std::vector<RolloutGroup> make_verify_groups(const Plan& plan, const ActualState& actual,
                                             const std::vector<std::string>& unproven);

/// The destroys of one kind: one after the other in each service, in the order of the plan. Pure.
std::vector<RolloutGroup> make_destroy_groups(const Plan& plan, ChangeKind kind);

/// What a rollout works with. All of it must outlive the Rollout.
struct RolloutTools {
    Target& target;
    Health* health;  ///< null: there is none
    const RolloutPolicy& policy;
    const Calls& calls;
    EventStream& events;
    WaitStarts& starts;
    /// Called with a group's outcome as soon as that is decided, and before anything is put back. Calls come one at a
    /// time, from any thread. What it throws ends the rollout.
    std::function<void(const GroupOutcome&)> book;
    /// Called before a unit is put to rest to be started once more, from any thread. Throws Error to keep it as it is.
    std::function<void()> before_restart = [] {};
};

/// How a rollout ended, besides the results of its changes.
struct RolloutEnd {
    std::optional<Error> error;         ///< why it ended early
    std::vector<GroupOutcome> groups;   ///< those that did not simply end well or fail
    std::vector<NotReady> not_ready{};  ///< settled units that were waited for in vain
    bool overtaken = false;             ///< a newer revision, or a pause, has ended it
    std::set<std::string> unplaced{};   ///< units that were waited for, and that no machine took
    /// Services of which something failed while the target was out of reach now and then: that may be why.
    std::set<std::string> shaken{};
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

    /// Ends it at the next safe point: nothing else begins, and nothing is waited for any more (R44). `why` goes into
    /// the results: "superseded by revision r2". Any thread; for run() calls to come, too.
    void supersede(const std::string& why);

private:
    class Run;
    RolloutTools tools_;
    std::vector<ChangeResult>& results_;
    std::mutex mutex_;
    std::string superseded_;  ///< empty: it is not
    std::stop_source overtaken_;
};

}  // namespace deployer
