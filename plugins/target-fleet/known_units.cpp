#include "known_units.hpp"

#include <algorithm>
#include <iterator>

namespace deployer::fleet {

void KnownUnits::add(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    names_.insert(name);
}

void KnownUnits::remove(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    const auto found = names_.find(name);
    if (found != names_.end()) names_.erase(found);
}

void KnownUnits::replace_with(std::span<const std::string> names) {
    std::set<std::string, std::less<>> replacement(names.begin(), names.end());
    const std::scoped_lock lock(mutex_);
    names_.swap(replacement);
    were_listed_ = true;
}

bool KnownUnits::were_listed() const {
    const std::scoped_lock lock(mutex_);
    return were_listed_;
}

std::vector<std::string> KnownUnits::missing_in(std::span<const std::string> names) const {
    std::vector<std::string> missing;
    const std::scoped_lock lock(mutex_);
    std::set_difference(names_.begin(), names_.end(), names.begin(), names.end(), std::back_inserter(missing));
    return missing;
}

}  // namespace deployer::fleet
