#pragma once

#include "actual/actual.hpp"
#include "host/redaction.hpp"
#include "plan/plan.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace deployer {

/// How many destroys one cycle may do (R24): a count, or a percentage of the actual units, rounded down.
struct MaxDestroy {
    std::size_t amount = 50;
    bool percentage = true;
    std::size_t least = 5;  ///< destroys that a percentage above 0 allows in any case
};

/// The limits that the configuration sets to a plan.
struct PlanPolicy {
    bool destroy = false;
    MaxDestroy max_destroy;
    std::vector<std::string> protected_globs;  ///< fnmatch(3) patterns of unit names, besides the deployer's own
    Redaction redaction{};                     ///< the values of units that a plan does not show (R59)
};

/// Whether a unit is never touched (R23).
bool is_protected(const std::string& unit, const PlanPolicy& policy);

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

}  // namespace deployer
