#include "plan/destroy_limits.hpp"

#include "text/quantity.hpp"

#include <algorithm>
#include <utility>

namespace deployer {
namespace {

std::string name_some(const std::vector<std::string>& units) {
    constexpr std::size_t shown = 5;
    std::string names;
    for (std::size_t i = 0; i < std::min(shown, units.size()); ++i) {
        names += (i > 0 ? ", " : "") + units[i];
    }
    if (units.size() > shown) names += " and " + std::to_string(units.size() - shown) + " more";
    return names;
}

std::string name_some(const std::vector<Change>& changes) {
    std::vector<std::string> units;
    for (const auto& change : changes) units.push_back(change.unit);
    return name_some(units);
}

/// The number of destroys that a cycle may do, and the setting that leads to that number.
std::pair<std::size_t, std::string> destroy_limit(const MaxDestroy& limit, std::size_t actual_units) {
    const auto written = "reconcile.max_destroy: " + std::to_string(limit.amount);
    if (!limit.percentage) return {limit.amount, written};
    const auto share = limit.amount * actual_units / 100;
    // The least number keeps a small cluster from being stuck. A percentage of 0 allows no destroy on a small one, too.
    if (limit.amount > 0 && share < limit.least) {
        return {limit.least, "reconcile.max_destroy_least: " + std::to_string(limit.least)};
    }
    return {share,
            "the " + std::to_string(share) + " that " + written + "% of " + quantity(actual_units, "unit") + " allows"};
}

/// Notes on the units that are not even candidates for destruction.
std::vector<std::string> notes_on_safe_units(const UnwantedUnits& unwanted) {
    std::vector<std::string> notes;
    for (const auto& [service, count] : unwanted.kept) {
        notes.push_back(quantity(count, "unit") + " of " + service +
                        " no longer wanted, left running: it was rolled back, and its former version may need " +
                        (count == 1 ? "it" : "them"));
    }
    if (!unwanted.doubted.empty()) {
        notes.push_back(quantity(unwanted.doubted.size(), "unit") +
                        " not listed, left running: nothing is destroyed while services.yaml is in doubt (" +
                        name_some(unwanted.doubted) + ")");
    }
    return notes;
}

}  // namespace

LimitedDestroys limit_destroys(UnwantedUnits unwanted, const PlanPolicy& policy, std::size_t actual_units) {
    LimitedDestroys limited;
    limited.notes = notes_on_safe_units(unwanted);
    auto& destroys = unwanted.destroys;
    if (destroys.empty()) return limited;
    if (!policy.destroy) {
        limited.destroy_disabled = destroys.size();
        limited.notes.push_back(quantity(destroys.size(), "unit") +
                                " no longer wanted, left running: reconcile.destroy is false (" + name_some(destroys) +
                                ")");
    } else if (const auto [most, why] = destroy_limit(policy.max_destroy, actual_units); destroys.size() > most) {
        limited.max_destroy = destroys.size();
        limited.notes.push_back("stopped all " + quantity(destroys.size(), "destroy") + " of this cycle, more than " +
                                why + " (" + name_some(destroys) + "): to allow them, set reconcile.max_destroy to " +
                                std::to_string(destroys.size()) + " or more");
    } else {
        limited.allowed = std::move(destroys);
    }
    return limited;
}

std::string find_destroy_obstacle(const Plan& plan, const OpenDifferences& open, const ServiceSet& actual_services,
                                  const StandingOrders& orders) {
    for (const auto& held : plan.held) {
        const bool is_missing = !held.service.empty() && !actual_services.contains(held.service);
        if (is_missing) return held.service + " is held and not running yet";
    }
    if (!open.missing_service.empty()) return open.missing_service + " and some of its units do not exist yet";
    if (!orders.restoring.empty()) return *orders.restoring.begin() + " was rolled back and is not restored yet";
    // A revision replaces the units that it no longer wants. Until its quarantined service has come up, those units may
    // be needed.
    const auto quarantined = std::find_if(plan.standing.rbegin(), plan.standing.rend(), [](const Standstill& still) {
        return still.outcome == Outcome::quarantined && still.changes > 0;
    });
    if (quarantined != plan.standing.rend()) {
        return quarantined->service + " is quarantined and still differs from the wanted state";
    }
    const auto& altered = plan.altered.empty() ? open.started_in_vain : plan.altered.front();
    return altered.empty() ? std::string() : altered + " still differs from the wanted state";
}

}  // namespace deployer
