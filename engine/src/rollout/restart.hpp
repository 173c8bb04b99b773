#pragma once

#include "actual/actual.hpp"
#include "host/calls.hpp"

#include <deployer/target.hpp>

#include <chrono>

namespace deployer {

/// A unit that is there and does not run, started once more: the target is told that it is to be `inactive`, is seen to
/// have done that, and is told to launch it. Said in one breath a target that looks now and then would see neither.
/// One thread at a time.
class Restart {
public:
    using Clock = std::chrono::steady_clock;

    /// Says `inactive`. Past `deadline` the unit is launched whether that was seen or not. Throws what the target
    /// throws.
    Restart(DeployedUnit unit, Clock::time_point deadline, Target& target, const Calls& calls);

    /// Looks, and launches the unit when it is at rest. True: it was launched, by this call or before. Throws what the
    /// target throws, and goes on with the next call.
    [[nodiscard]] bool go_on(Target& target, const Calls& calls);
    /// Launches the unit now, for nobody will look again: within a second, even after a stop. If that fails it is told
    /// in a warning, and the next cycle finds the unit `inactive`.
    void leave(Target& target, Log& log);

    [[nodiscard]] const DeployedUnit& unit() const noexcept { return unit_; }

private:
    void launch(Target& target, const Calls& calls);

    DeployedUnit unit_;
    Clock::time_point deadline_;
    bool is_over_ = false;  ///< launched, or left
};

}  // namespace deployer
