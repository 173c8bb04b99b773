#pragma once

#include <chrono>
#include <random>

namespace deployer::http {

/// Chooses the pauses between attempts. They grow up to a limit. They vary at random, so that not all clients ask at
/// the same moment when a server comes back.
class Pauses {
public:
    /// The pause after so many attempts, at least one.
    [[nodiscard]] std::chrono::milliseconds after(int attempts);

private:
    std::minstd_rand random_{std::random_device()()};
};

}  // namespace deployer::http
