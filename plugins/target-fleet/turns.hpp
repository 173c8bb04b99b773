#pragma once

#include <deployer/call.hpp>

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace deployer::fleet {

/// Keeps two calls from changing the same unit at once. The engine's promise of one call a unit is not enough, because
/// a change of one unit may stop and start others. Any thread may call.
class Turns {
public:
    /// Holds its units until it is destroyed. A Turn must not outlive its Turns.
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

    /// Waits until no other call holds any of the units. Throws Error `cancelled` at a stop request, and `rejected` at
    /// the deadline, because other units are not affected.
    [[nodiscard]] Turn take(std::vector<std::string> units, const Call& call);

private:
    [[nodiscard]] bool are_free(const std::vector<std::string>& units) const;

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::set<std::string> held_;
};

}  // namespace deployer::fleet
