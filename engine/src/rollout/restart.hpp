#pragma once

#include "actual/actual.hpp"
#include "host/calls.hpp"

#include <deployer/target.hpp>

#include <chrono>

namespace deployer {

/// Starts a unit of the cluster that does not run once more: sets it `inactive`, waits until the target has done so,
/// and launches it. Without the wait, a target that polls the desired state would notice neither change. One thread at
/// a time.
class Restart {
public:
    using Clock = std::chrono::steady_clock;

    /// Sets the unit `inactive`. After `deadline` the unit is launched even if it has not come to rest. Throws as the
    /// target does.
    Restart(DeployedUnit unit, Clock::time_point deadline, Target& target, const Calls& calls);

    /// Looks at the unit, and launches it when it is at rest. True: the unit was launched, by this call or before.
    /// Throws as the target does; the next call tries again.
    [[nodiscard]] bool go_on(Target& target, const Calls& calls);
    /// Launches the unit now, within a second and even after a stop, because go_on() is not called again. A failure is
    /// logged as a warning; the next cycle then finds the unit `inactive`.
    void leave(Target& target, Log& log);

    [[nodiscard]] const DeployedUnit& unit() const noexcept { return unit_; }

private:
    void launch(Target& target, const Calls& calls);

    DeployedUnit unit_;
    Clock::time_point deadline_;
    bool is_over_ = false;  ///< the unit was launched, or left
};

}  // namespace deployer
