#pragma once

#include "cluster.hpp"

#include <deployer/call.hpp>

#include <cstddef>
#include <string>

namespace deployer::mock {

/// The size of the largest state file: 10,000 units come to a third of it.
inline constexpr std::size_t state_file_limit = std::size_t{32} << 20U;

/// Reads a state file: fleet's schema, and `pending` for a unit that is on its way. Keys it does not know, `hash` among
/// them, are passed over; one that is there twice is not. Throws Error `rejected` that says what is wrong and where
/// ("units[3].name: …"); never takes something else for an empty cluster. Ends as Call::check() does.
Cluster read_cluster(const std::string& text, const Call& call);

/// A whole state file: one option a line, so that it reads and compares well.
std::string write_cluster(const Cluster& cluster);

/// One unit of it, without the comma after it.
std::string write_unit(const SimulatedUnit& simulated);

}  // namespace deployer::mock
