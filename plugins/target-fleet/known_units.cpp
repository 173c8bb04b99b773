#include "known_units.hpp"

#include <deployer/unit_file.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace deployer::fleet {
namespace {

void add_names(Names& names, const Names& more) {
    for (const auto& name : more) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
}

void add_relations(Relations& relations, const Relations& more) {
    for (const auto list : {&Relations::stops_with, &Relations::takes_along, &Relations::after, &Relations::before,
                            &Relations::starts, &Relations::started_with}) {
        add_names(relations.*list, more.*list);
    }
}

}  // namespace

void KnownUnits::add(const Unit& unit) {
    const std::scoped_lock lock(mutex_);
    auto& known = units_[unit.name];
    known.hash = unit_file_hash(unit.options);
    known.desired_state = unit.desired_state;
    add_relations(known.relations, read_relations(unit));
}

void KnownUnits::set_desired_state(std::string_view unit, DesiredState state) {
    const std::scoped_lock lock(mutex_);
    const auto found = units_.find(unit);
    if (found != units_.end()) found->second.desired_state = state;
}

void KnownUnits::remove(std::string_view unit) {
    const std::scoped_lock lock(mutex_);
    const auto found = units_.find(unit);
    if (found != units_.end()) units_.erase(found);
}

void KnownUnits::replace_with(const std::vector<FleetUnit>& listing) {
    Units replacement;
    for (const auto& held : listing) {
        replacement[held.unit.name] = {unit_file_hash(held.unit.options), held.unit.desired_state,
                                       read_relations(held.unit)};
    }
    const std::scoped_lock lock(mutex_);
    // Keep units that were applied during the first listing, because that listing may lack them.
    if (!were_listed_) replacement.merge(units_);
    units_.swap(replacement);
    were_listed_ = true;
}

bool KnownUnits::were_listed() const {
    const std::scoped_lock lock(mutex_);
    return were_listed_;
}

std::vector<std::string> KnownUnits::missing_in(std::span<const std::string> names) const {
    std::vector<std::string> missing;
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, known] : units_) {
        if (!std::binary_search(names.begin(), names.end(), name)) missing.push_back(name);
    }
    return missing;
}

const KnownUnits::Known* KnownUnits::find(std::string_view unit) const {
    const auto found = units_.find(unit);
    return found == units_.end() ? nullptr : &found->second;
}

bool KnownUnits::may_run_otherwise(const Unit& unit) const {
    const std::scoped_lock lock(mutex_);
    const auto* const known = find(unit.name);
    return known != nullptr && known->hash != unit_file_hash(unit.options);
}

bool KnownUnits::is_to_run(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto* const known = find(unit);
    return known != nullptr && known->desired_state == DesiredState::launched;
}

bool KnownUnits::restarts_at_once(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto* const known = find(unit);
    return std::none_of(units_.begin(), units_.end(), [&](const auto& entry) {
        const auto& [name, other] = entry;
        if (name == unit) return false;
        return holds(other.relations.after, unit) || (known != nullptr && holds(known->relations.before, name));
    });
}

std::vector<std::string> KnownUnits::stopped_along_with(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> reached{std::string(unit)};
    std::vector<std::string> stopped;
    for (std::size_t index = 0; index < reached.size(); ++index) {
        const auto stopping = reached[index];
        const auto* const cause = find(stopping);
        for (const auto& [name, known] : units_) {
            const bool is_bound = holds(known.relations.stops_with, stopping) ||
                                  (cause != nullptr && holds(cause->relations.takes_along, name));
            if (!is_bound || std::find(reached.begin(), reached.end(), name) != reached.end()) continue;
            reached.push_back(name);
            if (known.desired_state == DesiredState::launched) stopped.push_back(name);
        }
    }
    return stopped;
}

bool KnownUnits::is_started_by(const Unit& unit, std::string_view other) const {
    if (holds(read_relations(unit).starts, other)) return true;
    const std::scoped_lock lock(mutex_);
    const auto* const known = find(other);
    return known != nullptr && holds(known->relations.started_with, unit.name);
}

std::string KnownUnits::hash_of(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto* const known = find(unit);
    return known == nullptr ? std::string() : known->hash;
}

}  // namespace deployer::fleet
