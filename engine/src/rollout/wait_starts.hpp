#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace deployer {

/// The times at which waits for units began, so that a wait that was broken off and goes on gets no additional time.
/// Any thread.
class WaitStarts {
public:
    using Clock = std::chrono::steady_clock;

    struct Wait {
        Clock::time_point since;
        bool was_idle = false;  ///< an earlier wait ended before the unit's machine had begun
    };

    /// The wait for this content of a unit: one that goes on, or a new one. A new wait, and a wait after an idle one,
    /// gets the full time.
    Wait begin(const std::string& unit, const std::string& digest);
    void end(const std::string& unit);
    /// To be called when a wait ended before the unit's machine had begun.
    void end_idle(const std::string& unit);
    /// Forgets all waits, because the target was out of reach.
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
