#include "memory/standing_orders.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <utility>

namespace deployer {
namespace {

const DeployedUnit* find_unit(const std::vector<DeployedUnit>& units, const std::string& name) {
    const auto found = std::find_if(units.begin(), units.end(), [&](const auto& unit) { return unit.name == name; });
    return found == units.end() ? nullptr : &*found;
}

/// A unit of another node of the same service with the same role. A new node gets that unit's content.
const DeployedUnit* find_sibling(const std::vector<DeployedUnit>& units, const std::string& name) {
    const auto found = std::find_if(units.begin(), units.end(), [&](const auto& unit) {
        return !instance_of(unit.name).empty() && is_sidekick(unit.name) == is_sidekick(name) &&
               with_instance(template_name(unit.name), instance_of(name)) == name;
    });
    return found == units.end() ? nullptr : &*found;
}

}  // namespace

bool is_quarantined(const RolloutRecord& record, const Orders& orders) {
    if (!record.quarantine) return false;
    const auto retry = orders.retries.find(record.service);
    return retry == orders.retries.end() || retry->second != record.quarantine->id;
}

std::string describe(const RolloutRecord& record) {
    const auto& quarantine = *record.quarantine;
    const auto* const what = quarantine.outcome == Outcome::rolled_back ? "rolled back"
                             : quarantine.outcome == Outcome::halted    ? "halted"
                                                                        : "degraded";
    return quarantine.reason + " (" + what + " since " + quarantine.since.substr(0, 19) + "Z)";
}

std::string describe(const Pause& pause) {
    return (pause.reason.empty() ? std::string("no reason given") : pause.reason) + " (since " + pause.since + ")";
}

std::string advice_for(const std::string& quarantined_service) {
    return "to try it again: coco-fleet-deployer retry " + quarantined_service + " --config FILE";
}

Standstill standstill_of(const RolloutRecord& quarantined) {
    return {quarantined.service, Outcome::quarantined, describe(quarantined), 0, advice_for(quarantined.service)};
}

void add_pause(Standstill& quarantined, const std::string& pause) {
    quarantined.reason += "; also paused: " + pause;
}

RolloutsOfConcern rollouts_of_concern(const std::vector<RolloutRecord>& rollouts, const WantedState& wanted,
                                      const Orders& orders) {
    if (rollouts.empty()) return {};
    const auto digests = group_digests(wanted);
    RolloutsOfConcern kept;
    for (auto record : rollouts) {
        const bool held = std::any_of(wanted.held.begin(), wanted.held.end(),
                                      [&](const auto& entry) { return entry.may_mean(record.service); });
        const auto digest = digests.find(record.service);
        if (digest == digests.end() && !held) continue;
        const bool is_other = digest != digests.end() && digest->second != record.digest;
        const bool ends = record.quarantine && !is_quarantined(record, orders);
        if (ends && !is_other && digest != digests.end()) kept.retried.insert(record.service);
        if (ends || is_other) record.quarantine.reset();
        if (is_other) record.fresh = false;
        if (record.quarantine || record.fresh || !record.former.empty()) kept.rollouts.push_back(std::move(record));
    }
    return kept;
}

StandingOrders standing_orders(const Ledger& ledger, const Orders& orders) {
    StandingOrders standing;
    for (const auto& record : ledger.rollouts) {
        if (record.fresh) standing.fresh.insert(record.service);
        if (!record.quarantine) {
            for (const auto& unit : record.former) standing.former.emplace(unit.name, unit);
        } else if (record.quarantine->outcome == Outcome::rolled_back) {
            standing.restoring.insert(record.service);
        } else {
            standing.still.push_back(standstill_of(record));
        }
    }
    for (const auto& [service, pause] : orders.paused) {
        const auto quarantined = std::find_if(standing.still.begin(), standing.still.end(),
                                              [&name = service](const auto& still) { return still.service == name; });
        if (quarantined == standing.still.end()) {
            standing.still.push_back({service, Outcome::paused, describe(pause)});
        } else {
            add_pause(*quarantined, describe(pause));
        }
    }
    standing.unproven.insert(ledger.unproven.begin(), ledger.unproven.end());
    for (const auto& change : ledger.made) {
        if (change.times >= MadeChange::most) standing.in_vain.emplace(change.unit, change.signature);
    }
    return standing;
}

WantedState with_former_contents(WantedState wanted, const ActualState& actual, const Ledger& ledger) {
    for (const auto& record : ledger.rollouts) {
        if (!record.quarantine || record.quarantine->outcome != Outcome::rolled_back) continue;
        std::vector<WantedUnit> units;
        for (auto& unit : wanted.units) {
            if (service_name(unit.name) != record.service) {
                units.push_back(std::move(unit));
                continue;
            }
            const auto* former = find_unit(record.former, unit.name);
            if (former == nullptr) former = find_unit(actual.units, unit.name);
            if (former == nullptr) former = find_sibling(record.former, unit.name);
            if (former != nullptr) units.push_back({unit.name, former->content, former->desired_state});
        }
        wanted.units = std::move(units);
    }
    return wanted;
}

}  // namespace deployer
