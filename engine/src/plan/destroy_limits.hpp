#pragma once

#include "plan/plan.hpp"
#include "plan/plan_inputs.hpp"
#include "plan/services.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace deployer {

/// The units of the target that the source does not declare, as a comparison found them.
struct UnwantedUnits {
    std::vector<Change> destroys;             ///< the destroys of units that nothing but a limit may keep
    std::vector<std::string> doubted;         ///< units that may be declared by text of services.yaml that was not read
    std::map<std::string, std::size_t> kept;  ///< by service that was rolled back: units its former version may need
};

/// The destroys that a cycle may do. The counts are those of LeftAlone.
struct LimitedDestroys {
    std::vector<Change> allowed;
    std::size_t destroy_disabled = 0;
    std::size_t max_destroy = 0;
    std::vector<std::string> notes;  ///< finished messages on units left running, and how to allow their destruction
};

/// Applies `destroy` and `max_destroy` (R22, R24): either all destroys are allowed or none. `actual_units` is the
/// number of units that the target has, of which `max_destroy` may be a percentage.
LimitedDestroys limit_destroys(UnwantedUnits unwanted, const PlanPolicy& policy, std::size_t actual_units);

/// Units that differ from the wanted state and will still differ after this plan, besides those that Plan tells.
struct OpenDifferences {
    std::string missing_service;  ///< a service of which nothing is touched and a unit is missing, and why: "foo is …"
    std::string started_in_vain;  ///< a unit that is launched again and that the target did not launch before
};

/// Why no unit may be destroyed in this cycle; empty when nothing stands in the way. A service that is left alone and
/// does not run may be the new name of the service that is to be destroyed. Then the old service has to stay.
std::string find_destroy_obstacle(const Plan& plan, const OpenDifferences& open, const ServiceSet& actual_services,
                                  const StandingOrders& orders);

}  // namespace deployer
