#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace deployer::fleet {

/// Since when this process has seen units in one version. Any thread may call anything at any time.
class FirstLooks {
public:
    /// How long ago it was first asked about this version of the unit; 0 the first time, and after another version.
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
