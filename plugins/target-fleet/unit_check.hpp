#pragma once

#include <deployer/unit.hpp>

#include <optional>
#include <string>

namespace deployer::fleet {

/// Why fleet would not take a unit, or would keep something else than it was given; nullopt: nothing.
std::optional<std::string> find_problem(const Unit& unit);

}  // namespace deployer::fleet
