#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace deployer::fleet {

/// Remembers since when this process has been asked about a version of a unit. Any thread may call at any time.
class FirstLooks {
public:
    /// The time since the first call for this version of the unit; 0 for the first call, and after another version.
    [[nodiscard]] std::chrono::milliseconds time_since(const std::string& unit, const std::string& version);
    void forget(std::string_view unit);

private:
    struct Look {
        std::string version;
        std::chrono::steady_clock::time_point time;
    };
    std::mutex mutex_;
    std::map<std::string, Look, std::less<>> looks_;
};

}  // namespace deployer::fleet
