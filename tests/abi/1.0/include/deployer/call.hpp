#pragma once

#include <chrono>
#include <deployer/export.hpp>
#include <deployer/log.hpp>
#include <stop_token>
#include <string_view>
namespace deployer {
struct DEPLOYER_SDK_EXPORT Call {
    std::chrono::steady_clock::time_point deadline;
    std::stop_token stop;
    Log& log;
    [[nodiscard]] std::chrono::milliseconds remaining() const;
    void check(std::string_view doing) const;
    [[nodiscard]] bool wait(std::chrono::milliseconds pause) const;
};
}  // namespace deployer
