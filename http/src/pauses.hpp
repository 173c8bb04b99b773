#pragma once

#include <chrono>
#include <random>

namespace deployer::http {

/// How long to wait before trying again: growing, up to a limit, and varying, so that many clients whose server came
/// back do not all ask at the same moment.
class Pauses {
public:
    /// `attempts` have been made, at least one.
    [[nodiscard]] std::chrono::milliseconds after(int attempts);

private:
    std::minstd_rand random_{std::random_device()()};
};

}  // namespace deployer::http
