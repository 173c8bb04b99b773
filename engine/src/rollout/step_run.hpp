#pragma once

#include "rollout/node_wait.hpp"
#include "rollout/rollout_groups.hpp"
#include "rollout/run_tools.hpp"

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>

namespace deployer {

/// The consequences of a step's end for its group.
struct StepEnd {
    std::string obstacle;      ///< why no other step may begin; empty: other steps may begin
    std::string verdict;       ///< the unit that convicts the content, and why; empty: no verdict
    bool opens_group = false;  ///< if this step was the canary, the other steps may begin
};

/// Carries out one step: makes its changes, and waits for the node if the step is gated. One thread at a time.
class StepRun {
public:
    /// Group, `health_turn` and tools must outlive the StepRun.
    StepRun(const RolloutGroup& group, std::size_t step, std::mutex& health_turn, const RunTools& tools)
        : group_(group), step_(group.steps[step]), health_turn_(health_turn), tools_(tools) {}

    /// To be called instead of go_on() if the step may not begin.
    void skip(const std::string& why);
    /// The first call makes the changes. Returns the pause before the next call; nullopt: the step has ended.
    std::optional<std::chrono::milliseconds> go_on();

    [[nodiscard]] const StepEnd& end() const noexcept { return end_; }
    [[nodiscard]] const RolloutStep& step() const noexcept { return step_; }

private:
    [[nodiscard]] bool begin();
    void end_wait();
    void end_not_ready(const Error& error, bool is_verdict);

    const RolloutGroup& group_;
    const RolloutStep& step_;
    std::mutex& health_turn_;
    const RunTools& tools_;
    std::optional<NodeWait> wait_;
    StepEnd end_;
};

}  // namespace deployer
