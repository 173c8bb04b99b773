#pragma once

#include <deployer/call.hpp>

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace deployer::fleet {

/// Keeps two calls from changing the same unit at once, for a change of one unit may stop and start others. Any thread.
class Turns {
public:
    /// Holds its units until its end, which must come before that of the Turns.
    class Turn {
    public:
        Turn(Turns& turns, std::vector<std::string> units);
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        Turn(Turn&&) = delete;
        Turn& operator=(Turn&&) = delete;

    private:
        Turns& turns_;
        std::vector<std::string> units_;
    };

    /// Waits until none of the units is held by another call. Throws Error `cancelled` at a stop, and `rejected` at the
    /// deadline: others need not wait.
    [[nodiscard]] Turn take(std::vector<std::string> units, const Call& call);

private:
    [[nodiscard]] bool are_free(const std::vector<std::string>& units) const;

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::set<std::string> held_;
};

}  // namespace deployer::fleet
