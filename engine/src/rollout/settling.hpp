#pragma once

#include "rollout/failed_restarts.hpp"
#include "rollout/node_wait.hpp"
#include "rollout/rollout_groups.hpp"
#include "rollout/run_tools.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

namespace deployer {

/// The stage of a group before its first step: nodes that have the new version already must be ready before another
/// node is changed. Otherwise a rollout that was stopped between two nodes would continue with a version that does not
/// come up. One thread at a time.
class Settling {
public:
    /// `group` must have settled units. Group, `health_turn` and tools must outlive the Settling.
    Settling(const RolloutGroup& group, std::mutex& health_turn, const RunTools& tools);

    /// Goes on with the stage. Returns the pause before the next call; nullopt: the stage has ended.
    std::optional<std::chrono::milliseconds> go_on();

    /// Whether all settled units are ready.
    [[nodiscard]] bool is_well() const noexcept { return is_well_; }
    /// Why no step may begin; empty: steps may begin.
    [[nodiscard]] const std::string& obstacle() const noexcept { return obstacle_; }
    /// The unit that convicts the content of the group, and why; empty: no verdict.
    [[nodiscard]] const std::string& verdict() const noexcept { return verdict_; }

private:
    void end();
    void report_not_ready(const std::string& problem);

    const RolloutGroup& group_;
    std::mutex& health_turn_;
    const RunTools& tools_;
    FailedRestarts restarts_;
    std::optional<NodeWait> wait_;
    bool is_well_ = false;
    std::string obstacle_;
    std::string verdict_;
};

}  // namespace deployer
