#pragma once

#include "calls.hpp"
#include "events.hpp"
#include "plan.hpp"
#include "report.hpp"

#include <deployer/error.hpp>
#include <deployer/target.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace deployer {

/// What happens to the rest of a group when one of its nodes does not become ready in time.
enum class OnTimeout {
    halt,   ///< keep the rest on the old version
    go_on,  ///< `continue`: change it all the same
};

struct RolloutPolicy {
    std::size_t parallelism = 8;                 ///< calls to the target at once
    std::chrono::milliseconds timeout{300'000};  ///< for a node to become ready, with its sidekick
    std::chrono::milliseconds poll{5'000};       ///< between two looks at a node
    OnTimeout on_timeout = OnTimeout::halt;
};

/// Changes that belong together because they concern one node: in order, and once one fails the rest is skipped.
struct RolloutStep {
    std::vector<std::size_t> changes;  ///< indices into Plan::changes
    bool gated = false;                ///< wait until the units are ready before the next step
};

/// Steps that go one after another. Chains go side by side.
struct RolloutChain {
    std::vector<SettledUnit> settled;  ///< have to be ready before the first step
    std::vector<RolloutStep> steps;
    bool halts_on_failure = true;  ///< a change that fails skips the steps after it
    bool halts_on_timeout = true;  ///< so does a gate that is not passed
};

/// Everything but the destroys, in the order of the plan: a chain for each node of a plain group, one gated chain for a
/// sequential group (R40, R41). Where destroys may follow, plain groups are gated too (R25). Pure.
std::vector<RolloutChain> make_rollout_chains(const Plan& plan, OnTimeout on_timeout);

/// The destroys of one kind: a chain for each service, in the order of the plan. Pure.
std::vector<RolloutChain> make_destroy_chains(const Plan& plan, ChangeKind kind);

/// Carries out chains on a target with a bounded pool of threads.
class Rollout {
public:
    /// All references must outlive the Rollout. `results` has one entry for each change of the plan, in its order.
    Rollout(Target& target, const RolloutPolicy& policy, const Calls& calls, EventStream& events,
            std::vector<ChangeResult>& results);

    /// Returns when every chain has ended: each of its changes is then done, failed or skipped. A stop request ends the
    /// waits, lets calls under way finish and skips the rest. So does the first `unavailable` or `misconfigured`, which
    /// is returned: going on would only collect failures.
    std::optional<Error> run(const std::vector<RolloutChain>& chains);

private:
    class Run;
    Target& target_;
    const RolloutPolicy& policy_;
    const Calls& calls_;
    EventStream& events_;
    std::vector<ChangeResult>& results_;
};

}  // namespace deployer
