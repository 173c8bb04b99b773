#include "cycle/unit_looks.hpp"

#include "memory/documents.hpp"

#include <deployer/error.hpp>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace deployer {
namespace {

/// The deployed units without a change for which `is_meant` holds.
template <class Predicate>
std::vector<DeployedUnit> unchanged_units(const ActualState& actual, const std::vector<Change>& changes,
                                          Predicate is_meant) {
    std::set<std::string_view> changing;
    for (const auto& change : changes) changing.insert(change.unit);
    std::vector<DeployedUnit> units;
    std::copy_if(actual.units.begin(), actual.units.end(), std::back_inserter(units),
                 [&](const auto& unit) { return !changing.contains(unit.name) && is_meant(unit.name); });
    return units;
}

}  // namespace

std::vector<DeployedUnit> unproven_units(const Plan& plan, const ActualState& actual, const Ledger& ledger) {
    return unchanged_units(actual, plan.changes, [&](const auto& unit) { return ledger.is_unproven(unit); });
}

Look look_at(const std::vector<DeployedUnit>& units, bool were_changed, Target& target, const Calls& calls) {
    Look look;
    for (const auto& unit : units) {
        try {
            const auto status = target.status(as_unit(unit), calls.make());
            if (status.readiness != Readiness::ready) {
                look.not_ready.push_back({unit.name, status.detail, were_changed});
            }
            if (status.readiness == Readiness::unplaced) look.unplaced.insert(unit.name);
        } catch (const Error& error) {
            if (!is_about_unit(error)) throw;
            look.not_ready.push_back({unit.name, error.what(), were_changed});
        }
    }
    return look;
}

void RestingUnits::note_listing(Clock::time_point listed_at) noexcept {
    if (listed_at == listed_at_) return;
    listed_at_ = listed_at;
    is_unlooked_ = true;
}

std::vector<DeployedUnit> RestingUnits::in_doubt(const Known& known, const std::vector<Change>& changes) const {
    std::set<std::string_view> names;
    if (is_unlooked_) names.insert(known.actual.in_doubt.begin(), known.actual.in_doubt.end());
    for (const auto& entry : known.ledger.not_running) names.insert(entry.unit);
    if (known.wanted != nullptr && !names.empty()) {
        std::set<std::string_view> wanted;
        for (const auto& unit : known.wanted->units) wanted.insert(unit.name);
        std::erase_if(names, [&](const auto& name) { return !wanted.contains(name); });
    }
    return unchanged_units(known.actual, changes,
                           [&](const auto& unit) { return names.contains(unit) && !known.ledger.is_unproven(unit); });
}

bool RestingUnits::is_look_due(const Ledger& ledger) const {
    // A unit that was changed a moment ago may still be starting.
    if (is_of_last(placement_grace_, ledger.changed_at)) return false;
    return is_unlooked_ || !looked_at_ || Clock::now() - *looked_at_ >= resync_interval_;
}

void RestingUnits::tell_not_running(CycleReport& report, const std::vector<DeployedUnit>& in_doubt,
                                    const Ledger& ledger, Target& target, const Calls& calls) {
    auto not_running = ledger.not_running;
    if (is_look_due(ledger)) {
        try {
            not_running = look_at(in_doubt, false, target, calls).not_ready;
            looked_at_ = Clock::now();
            is_unlooked_ = false;
        } catch (const Error& error) {
            calls.log.debug("cannot tell whether all units run: " + std::string(error.what()));
        }
    }
    for (auto& entry : not_running) {
        const auto is_it = [&](const auto& unit) { return unit.name == entry.unit; };
        const auto is_told = [&](const auto& other) { return other.unit == entry.unit; };
        if (std::none_of(in_doubt.begin(), in_doubt.end(), is_it)) continue;
        if (std::any_of(report.not_ready.begin(), report.not_ready.end(), is_told)) continue;
        report.not_ready.push_back(std::move(entry));
    }
}

}  // namespace deployer
