#include "turns.hpp"

#include <deployer/error.hpp>

#include <algorithm>
#include <utility>

namespace deployer::fleet {

Turns::Turn::Turn(Turns& turns, std::vector<std::string> units) : turns_(turns), units_(std::move(units)) {}

Turns::Turn::~Turn() {
    const std::scoped_lock lock(turns_.mutex_);
    for (const auto& unit : units_) turns_.held_.erase(unit);
    turns_.changed_.notify_all();
}

Turns::Turn Turns::take(std::vector<std::string> units, const Call& call) {
    std::unique_lock lock(mutex_);
    const bool is_free = changed_.wait_until(lock, call.stop, call.deadline, [&] { return are_free(units); });
    if (!is_free) {
        if (call.stop.stop_requested()) call.check("waiting for another change of " + units.front());
        throw Error(ErrorKind::rejected, "another change, which stops " + units.front() + " too, takes too long");
    }
    held_.insert(units.begin(), units.end());
    return {*this, std::move(units)};
}

bool Turns::are_free(const std::vector<std::string>& units) const {
    return std::none_of(units.begin(), units.end(), [&](const auto& unit) { return held_.contains(unit); });
}

}  // namespace deployer::fleet
