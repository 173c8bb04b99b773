#pragma once

#include "conformance/checks.hpp"

#include <vector>

namespace deployer::conformance {

// The parts of checks_of_targets(), by subject.

/// identity() and list().
std::vector<Check> checks_of_listing();
/// apply(), set_desired_state() and destroy().
std::vector<Check> checks_of_changes();
/// status().
std::vector<Check> checks_of_status();
/// Several instances, and several threads at once.
std::vector<Check> checks_of_sharing();
/// Calls that are stopped, late, or out of reach of the other side.
std::vector<Check> checks_of_calls();

/// That the run leaves no unit behind, also after checks that failed or crashed. Comes after all other checks.
Check check_of_leftovers();

}  // namespace deployer::conformance
