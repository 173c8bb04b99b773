#pragma once

#include "fleet_api.hpp"

#include <deployer/call.hpp>
#include <deployer/unit.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace deployer::fleet {

/// Waits until systemd has stopped a unit that was told to be `loaded`, and tells it again where the machine went past
/// that. Returns also shortly before the deadline, if systemd is stopping the unit by then. `bound` are the units that
/// systemd has to stop before it stops this one. `look_every` is the pause between two looks.
/// Throws `rejected` where the unit does not stop in time or is gone, `cancelled`, and as FleetApi does when fleet is
/// out of reach for long.
void wait_until_stopped(const FleetApi& api, std::chrono::milliseconds look_every, const Unit& unit,
                        const std::vector<std::string>& bound, const Call& call);

}  // namespace deployer::fleet
