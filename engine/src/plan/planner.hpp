#pragma once

#include "actual/actual.hpp"
#include "host/redaction.hpp"
#include "plan/plan.hpp"
#include "wanted/wanted.hpp"

#include <deployer/unit_name.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace deployer {

using ServiceSet = std::unordered_set<std::string_view>;

/// The services of wanted or actual units. The set refers to the units' names.
template <class Units>
ServiceSet services_of(const Units& units) {
    ServiceSet services;
    services.reserve(units.size());
    for (const auto& unit : units) services.insert(service_name(unit.name));
    return services;
}

/// How many destroys one cycle may do (R24): a count, or a percentage of the actual units, rounded down.
struct MaxDestroy {
    std::size_t amount = 50;
    bool percentage = true;
    std::size_t least = 5;  ///< what a percentage above 0 allows at least, however few units there are
};

/// The limits that the configuration sets to a plan.
struct PlanPolicy {
    bool destroy = false;
    MaxDestroy max_destroy;
    std::vector<std::string> protected_globs;  ///< fnmatch(3) patterns of unit names, besides the deployer's own
    Redaction redaction{};                     ///< what it does not show of the units (R59)
};

/// The decisions of earlier cycles and of people that a plan has to heed.
struct StandingOrders {
    /// Services of which nothing is to be touched; one with the name "" stands for all services.
    std::vector<Standstill> still;
    std::set<std::string, std::less<>> restoring;  ///< services on their way back from a rollout that ended badly
    std::set<std::string, std::less<>> unproven;   ///< units that were changed and not seen ready since
    std::set<std::string, std::less<>> fresh;      ///< services of which nothing was there when their rollout began
    std::set<std::string, std::less<>> retried;    ///< services that somebody wants to be tried again
    /// The units as they were before a rollout that is not over, by name.
    std::map<std::string, DeployedUnit, std::less<>> former;
    /// The signature of the change that a unit has got so often in a row that it is not made again, by its name.
    std::map<std::string, std::string, std::less<>> in_vain;
};

/// Compares unit by unit (R20–R24, R26). Pure: `plan`, `once` and `run` use this one function, so that a dry run cannot
/// differ from a real run.
Plan make_plan(const WantedState& wanted, const ActualState& actual, const PlanPolicy& policy,
               const StandingOrders& orders = {});

/// Whether a unit is never touched (R23).
bool is_protected(const std::string& unit, const PlanPolicy& policy);

/// The options that differ, in order of appearance; runs of white space count as one space. Empty when only the order
/// of options differs.
std::vector<OptionDifference> differences_between(const std::vector<UnitOption>& from,
                                                  const std::vector<UnitOption>& to);

}  // namespace deployer
