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

/// The meaning of a step's end for its group.
struct StepEnd {
    std::string obstacle;      ///< why no other step may begin; empty: nothing stands in the way
    std::string verdict;       ///< the unit that convicts the content, and why; empty: none does
    bool opens_group = false;  ///< after a canary the other steps may begin
};

/// One step on its way: its changes are made, and where the step is gated its node is waited for. One thread at a time.
class StepRun {
public:
    /// Group, `health_turn` and tools must outlive the StepRun.
    StepRun(const RolloutGroup& group, std::size_t step, std::mutex& health_turn, const RunTools& tools)
        : group_(group), step_(group.steps[step]), health_turn_(health_turn), tools_(tools) {}

    /// Instead of go_on(), where the step may not begin.
    void skip(const std::string& why);
    /// The first call makes the changes. After how long to go on; nullopt: the step has ended.
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
