#pragma once

#include "events/report.hpp"
#include "rollout/rollout_groups.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace deployer {

/// Questions about the changes of a group. `results` has one entry for each change of the plan, in its order. All pure.

[[nodiscard]] bool changes_unit(const RolloutGroup& group, const std::vector<ChangeResult>& results,
                                const std::string& unit);
/// Whether any change concerns a unit that was there before the plan.
[[nodiscard]] bool changes_present_unit(const RolloutGroup& group, const std::vector<ChangeResult>& results);
/// Whether any change concerns a unit that was not seen ready since an earlier cycle changed it.
[[nodiscard]] bool changes_unproven_unit(const RolloutGroup& group, const std::vector<ChangeResult>& results);
/// Whether no unit of the service is in the cluster, as far as the plan knows, and every step begins with a create.
[[nodiscard]] bool creates_all(const RolloutGroup& group, const std::vector<ChangeResult>& results);

[[nodiscard]] bool is_unproven(const RolloutGroup& group, const std::string& unit);

/// The step's units with the content and state that its changes give them.
[[nodiscard]] std::vector<DeployedUnit> units_made(const RolloutStep& step, const std::vector<ChangeResult>& results);

}  // namespace deployer
