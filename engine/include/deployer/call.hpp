#pragma once

#include <deployer/export.hpp>
#include <deployer/log.hpp>

#include <chrono>
#include <stop_token>
#include <string_view>

namespace deployer {

/// The conditions of one call into a plugin (R8): its deadline, its stop token and its log. A plugin ends every wait of
/// its own at whichever of deadline and stop comes first. A call that outlives its deadline by the engine's grace ends
/// the process, so a plugin never waits on something that honours neither.
/// The engine owns all of it; a plugin keeps none of it past the call.
struct DEPLOYER_SDK_EXPORT Call {
    std::chrono::steady_clock::time_point deadline;
    std::stop_token stop;
    Log& log;

    /// Time left, never negative.
    [[nodiscard]] std::chrono::milliseconds remaining() const;

    /// Throws Error: `cancelled` once stop was requested, `unavailable` ("… did not finish in time") past the deadline.
    void check(std::string_view doing) const;

    /// Sleeps for `pause`. False, at once, when stop is requested or the deadline comes first.
    [[nodiscard]] bool wait(std::chrono::milliseconds pause) const;
};

}  // namespace deployer
