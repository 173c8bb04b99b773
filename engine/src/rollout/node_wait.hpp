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

/// How long a run waits for a node, and for what.
enum class Patience {
    whole,           ///< until the node is ready, for as long as the policy allows
    without_health,  ///< the same, but the service's health does not count, because a change may be to mend it
    one_look,        ///< a look by the way: the first decides
};

/// How the wait for a node ended. No `why_left` and no `error`: the node is ready.
struct WaitEnd {
    std::string why_left;        ///< the run was ending for this reason, so the node was waited for no longer
    std::optional<Error> error;  ///< why the node is not ready in time, or never will be
    bool is_verdict = false;     ///< the error is held against the node's content

    [[nodiscard]] bool is_ready() const noexcept { return why_left.empty() && !error; }
    [[nodiscard]] bool is_unit_at_fault() const { return error && is_about_unit(*error); }
    /// For people: why the node is not ready.
    [[nodiscard]] std::string problem() const;
};

/// The wait of a run for one node at a gate (R42). Keeps for later cycles since when the node is waited for. One thread
/// at a time.
class NodeWait {
public:
    /// `health_turn` belongs to the service. It and the tools must outlive the NodeWait.
    NodeWait(AwaitedNode node, Patience patience, std::mutex& health_turn, const RunTools& tools);

    /// One look. After how long to look again; nullopt: the wait has ended. An error that every other call would meet
    /// ends the run too.
    std::optional<std::chrono::milliseconds> look();
    /// Once the wait has ended.
    [[nodiscard]] const WaitEnd& end() const noexcept { return end_; }

    /// The unit that the last look ended with.
    [[nodiscard]] const std::string& unit() const noexcept { return gate_.unit(); }
    [[nodiscard]] const std::vector<DeployedUnit>& units() const noexcept { return gate_.units(); }

    /// A later wait for the same content has all its time.
    void forget_start();
    /// The wait ended without a verdict on the content: notes the reason for the report, and for the next wait.
    void note_no_verdict();
    /// Reports a companion that is down, where that did not keep the node from being ready.
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
