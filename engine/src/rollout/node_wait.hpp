#pragma once

#include "actual/actual.hpp"
#include "rollout/gate.hpp"
#include "rollout/run_tools.hpp"

#include <deployer/error.hpp>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace deployer {

/// The units of a node that a run waits for.
struct AwaitedNode {
    std::string service;
    std::vector<DeployedUnit> units;       ///< at least one
    std::vector<DeployedUnit> companions;  ///< units of the node that did not change
};

/// How long a run waits for a node, and whether the service's health counts.
enum class Patience {
    whole,           ///< until the node is ready, for as long as the policy allows
    without_health,  ///< as `whole`, but health does not count, because a change may be made to mend it
    one_look,        ///< without waiting: the first look that finds a problem decides
};

/// How the wait for a node ended. No `why_left` and no `error`: the node is ready. Both are set when the wait met an
/// error that had ended the run before.
struct WaitEnd {
    std::string why_left;        ///< the wait was broken off because the run is ending, for this reason
    std::optional<Error> error;  ///< why the node did not become ready in time, or cannot become ready
    bool is_verdict = false;     ///< the error is held against the node's content

    [[nodiscard]] bool is_ready() const noexcept { return why_left.empty() && !error; }
    [[nodiscard]] bool is_unit_at_fault() const { return error && is_about_unit(*error); }
    /// For people: why the node is not ready.
    [[nodiscard]] std::string problem() const;
};

/// The wait of a run for one node at a gate (R42). Notes the beginning of the wait for later cycles. One thread at a
/// time.
class NodeWait {
public:
    /// `health_turn` belongs to the service. `health_turn` and tools must outlive the NodeWait.
    NodeWait(AwaitedNode node, Patience patience, std::mutex& health_turn, const RunTools& tools);

    /// Looks once. Returns the pause before the next look; nullopt: the wait has ended. An error that every other call
    /// would meet ends the run too.
    std::optional<std::chrono::milliseconds> look();
    /// To be called when the wait has ended.
    [[nodiscard]] const WaitEnd& end() const noexcept { return end_; }

    /// The unit at which the last look ended.
    [[nodiscard]] const std::string& unit() const noexcept { return gate_.unit(); }
    [[nodiscard]] const std::vector<DeployedUnit>& units() const noexcept { return gate_.units(); }

    /// Forgets the beginning of this wait, so a later wait for the same content gets the full time.
    void forget_start();
    /// To be called when the wait ended without a verdict on the content. Notes the reason for the report and for the
    /// next wait.
    void note_no_verdict();
    /// Reports a companion that is down although the node is ready.
    void note_companion_down();

private:
    std::string service_;
    std::mutex& health_turn_;
    const RunTools& tools_;
    bool is_brief_;
    GateTools gate_tools_;
    Gate gate_;
    WaitEnd end_;
};

}  // namespace deployer
