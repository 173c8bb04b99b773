#include "rollout/wait_starts.hpp"

namespace deployer {

WaitStarts::Wait WaitStarts::begin(const std::string& unit, const std::string& digest) {
    const std::lock_guard lock(mutex_);
    auto& start = starts_[unit];
    if (start.digest != digest) {
        start = {digest, {Clock::now(), false}};
    } else if (start.wait.was_idle) {
        start.wait.since = Clock::now();
    }
    return start.wait;
}

void WaitStarts::end(const std::string& unit) {
    const std::lock_guard lock(mutex_);
    starts_.erase(unit);
}

void WaitStarts::end_idle(const std::string& unit) {
    const std::lock_guard lock(mutex_);
    const auto start = starts_.find(unit);
    if (start != starts_.end()) start->second.wait.was_idle = true;
}

void WaitStarts::clear() {
    const std::lock_guard lock(mutex_);
    starts_.clear();
}

}  // namespace deployer
