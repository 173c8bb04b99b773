#pragma once

#include "cluster.hpp"

#include <string>

namespace deployer::mock {

/// Reads a state file: fleet's schema, and `pending` for a unit that is on its way. Keys it does not know, `hash` among
/// them, are passed over. Throws Error `rejected` that says what is wrong and where ("units[3].name: …"); never takes
/// something else for an empty cluster.
Cluster read_cluster(const std::string& text);

/// A whole state file: one option a line, so that it reads and compares well.
std::string write_cluster(const Cluster& cluster);

/// One unit of it, without the comma after it.
std::string write_unit(const SimulatedUnit& simulated);

}  // namespace deployer::mock
