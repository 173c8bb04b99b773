#pragma once

#include "actual/actual.hpp"

#include <Poco/JSON/Object.h>

#include <json_object.hpp>

#include <vector>

namespace deployer {

/// Puts units into an object, as `contents` and `units`: nodes of a service mostly have one content, and keeping it
/// once keeps thousands of units small.
void write_units(const std::vector<DeployedUnit>& units, Poco::JSON::Object& object);

/// The units back. Throws json::Mistake for anything but what write_units() makes.
std::vector<DeployedUnit> read_units(const json::Fields& object);

}  // namespace deployer
