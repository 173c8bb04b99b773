#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace deployer {

/// Since when units are waited for, so that a wait that was broken off has no more time when it goes on. Any thread.
class WaitStarts {
public:
    using Clock = std::chrono::steady_clock;

    struct Wait {
        Clock::time_point since;
        bool was_idle = false;  ///< an earlier one ended before the unit's machine had begun
    };

    /// The wait for this content of a unit. What begins now, and what goes on after an idle wait, has all its time.
    Wait begin(const std::string& unit, const std::string& digest);
    void end(const std::string& unit);
    /// The unit's machine has not begun in all that time.
    void end_idle(const std::string& unit);
    /// None of the waits so far counts: the target was out of reach.
    void clear();

private:
    struct Start {
        std::string digest;
        Wait wait;
    };
    std::mutex mutex_;
    std::map<std::string, Start> starts_;
};

}  // namespace deployer
