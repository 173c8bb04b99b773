#pragma once

#include "conformance/checks.hpp"

#include <vector>

namespace deployer::conformance {

// The parts of checks_of_targets(), by subject.

/// Checks of identity() and list().
std::vector<Check> checks_of_listing();
/// Checks of apply(), set_desired_state() and destroy().
std::vector<Check> checks_of_changes();
/// Checks of status().
std::vector<Check> checks_of_status();
/// Checks with several instances, and with several threads at once.
std::vector<Check> checks_of_sharing();
/// Checks of calls that are stopped, that pass their deadline, or that cannot reach the target's other side.
std::vector<Check> checks_of_calls();

/// Checks that the run leaves no unit behind, even after checks that failed or crashed. Comes after all other checks.
Check check_of_leftovers();

}  // namespace deployer::conformance
