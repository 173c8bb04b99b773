#pragma once

#include <deployer/export.hpp>
#include <deployer/log.hpp>

#include <chrono>
#include <stop_token>
#include <string_view>

namespace deployer {

/// The conditions of one call into a plugin (R8): its deadline, its stop token and its log. A plugin ends each of its
/// waits at the deadline or at the stop request, whichever comes first. When a call outlives its deadline by the
/// engine's grace, the engine ends the process; so a plugin never starts a wait that neither of the two can end.
/// The engine owns the Call and its log; a plugin keeps no reference to them past the call.
struct DEPLOYER_SDK_EXPORT Call {
    std::chrono::steady_clock::time_point deadline;
    std::stop_token stop;
    Log& log;

    /// The time until the deadline, never negative.
    [[nodiscard]] std::chrono::milliseconds remaining() const;

    /// Throws Error: `cancelled` once a stop was requested, `unavailable` ("`doing` did not finish in time") past the
    /// deadline.
    void check(std::string_view doing) const;

    /// Sleeps for `pause` and returns true. Returns false as soon as a stop is requested or the deadline is reached.
    [[nodiscard]] bool wait(std::chrono::milliseconds pause) const;
};

}  // namespace deployer
