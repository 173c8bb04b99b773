#include "first_looks.hpp"

namespace deployer::fleet {

std::chrono::milliseconds FirstLooks::time_since(const std::string& unit, const std::string& version) {
    const auto now = std::chrono::steady_clock::now();
    const std::scoped_lock lock(mutex_);
    auto& look = looks_[unit];
    if (look.version != version) look = {version, now};
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - look.time);
}

void FirstLooks::forget(std::string_view unit) {
    const std::scoped_lock lock(mutex_);
    const auto found = looks_.find(unit);
    if (found != looks_.end()) looks_.erase(found);
}

}  // namespace deployer::fleet
