#pragma once

#include "actual/actual.hpp"
#include "plan/plan.hpp"
#include "plan/plan_inputs.hpp"
#include "wanted/manifest.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace deployer {

/// The groups that have nodes to wait for (R41, R42), by service: services with rollout rules that the plan changes
/// without destroying, or of which a unit was not seen ready since it was changed. `settled` are the units that need no
/// change, as the target has them.
std::vector<GatedGroup> find_gated_groups(const Plan& plan, std::vector<DeployedUnit> settled,
                                          const std::map<std::string, RolloutRules, std::less<>>& rules,
                                          const StandingOrders& orders);

}  // namespace deployer
