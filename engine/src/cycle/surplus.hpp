#pragma once

#include "actual/actual.hpp"
#include "events/report.hpp"

#include <set>
#include <string>

namespace deployer {

/// Of the nodes that found no machine (`unplaced`), those whose service is up without them: it has more nodes than
/// there are machines for. Named with all units of such a node that the report tells of. They replace nothing of
/// another service, so they keep nothing of another service from being destroyed (R25). `before` the cycle. Pure.
std::set<std::string> find_surplus(const std::set<std::string>& unplaced, const ActualState& before,
                                   const CycleReport& report);

}  // namespace deployer
