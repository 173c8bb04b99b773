#include "rollout/findings.hpp"

#include <utility>

namespace deployer {

void FindingsList::add_not_ready(const std::vector<NotReady>& entries) {
    const std::lock_guard lock(mutex_);
    found_.not_ready.insert(found_.not_ready.end(), entries.begin(), entries.end());
}

void FindingsList::forget_not_ready(const std::vector<DeployedUnit>& units) {
    const std::lock_guard lock(mutex_);
    for (const auto& unit : units) {
        std::erase_if(found_.not_ready, [&](const auto& entry) { return entry.unit == unit.name; });
    }
}

void FindingsList::add_unplaced(const std::string& unit) {
    const std::lock_guard lock(mutex_);
    found_.unplaced.insert(unit);
}

void FindingsList::add_shaken(const std::string& service) {
    const std::lock_guard lock(mutex_);
    found_.shaken.insert(service);
}

Findings FindingsList::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(found_, {});
}

}  // namespace deployer
