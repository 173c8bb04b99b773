#pragma once

#include "actual/actual.hpp"
#include "events/report.hpp"

#include <set>
#include <string>

namespace deployer {

/// The surplus units: units of nodes that found no machine (`unplaced`), in a service that is up without these nodes
/// because it has more nodes than there are machines. The result has all units of such nodes that the report names. A
/// surplus unit is no new name of another service's unit, so it does not stop destroys of other services (R25).
/// `before`: the actual state before the cycle. Pure.
std::set<std::string> find_surplus(const std::set<std::string>& unplaced, const ActualState& before,
                                   const CycleReport& report);

}  // namespace deployer
