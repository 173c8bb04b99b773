#pragma once

#include "fleet_json.hpp"

#include <deployer/unit.hpp>

#include <optional>
#include <string>

namespace deployer::fleet {

/// The demands of a unit's [X-Fleet] section on its machine, interpreted as fleet does.

/// Whether the unit is global: it runs once on each machine that is fit for it.
bool is_global(const Unit& unit);

/// Whether the machine has the metadata that the unit requires. Other reasons that keep a unit off a machine do not
/// count.
bool has_metadata_for(const Unit& unit, const Machine& machine);

/// The pair of demands that fleet does not accept together; nullopt when it accepts them all.
std::optional<std::string> find_contradiction(const Unit& unit);

}  // namespace deployer::fleet
