#pragma once

#include "fleet_json.hpp"

#include <deployer/unit.hpp>

#include <optional>
#include <string>

namespace deployer::fleet {

/// The demands of a unit's [X-Fleet] section on the machine that it runs on, read as fleet reads them.

/// Runs once on each machine that is fit for it.
bool is_global(const Unit& unit);

/// Whether the machine has the metadata that the unit asks for. What else can keep a unit off a machine is not looked
/// at.
bool has_metadata_for(const Unit& unit, const Machine& machine);

/// Which of its demands fleet would not take together; nullopt: it takes them all.
std::optional<std::string> find_contradiction(const Unit& unit);

}  // namespace deployer::fleet
