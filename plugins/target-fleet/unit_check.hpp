#pragma once

#include <deployer/unit.hpp>

#include <optional>
#include <string>

namespace deployer::fleet {

/// The reason why fleet would refuse a unit, or store it with a change; nullopt when there is none.
std::optional<std::string> find_problem(const Unit& unit);

}  // namespace deployer::fleet
