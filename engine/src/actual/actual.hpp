#pragma once

#include "wanted/content.hpp"

#include <deployer/target.hpp>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// One unit that the target has.
struct DeployedUnit {
    std::string name;
    SharedContent content;
    DesiredState desired_state = DesiredState::launched;
};

/// The unit as targets take it.
inline Unit as_unit(const DeployedUnit& unit) {
    return {unit.name, unit.content->options, unit.desired_state};
}

/// The actual state: what the target reported, whole, at one moment.
struct ActualState {
    std::vector<DeployedUnit> units;  ///< each name once, in numeric order of names
    /// Names of units of which the target itself said in the listing that they are in another state than the desired
    /// one.
    std::set<std::string, std::less<>> in_doubt{};
};

/// A target's listing as actual state. Throws Error `unavailable` when a name is listed twice: such a listing was
/// stitched together while it changed, and may as well miss units.
ActualState actual_from(std::vector<ActualUnit> listing);

/// The actual state as a document for the cache. It carries the identity of the target that it was read from.
std::string write_snapshot(const ActualState& actual, std::string_view identity);

/// The actual state back from a document; nullopt for anything but a whole snapshot of that very target.
std::optional<ActualState> read_snapshot(std::string_view document, std::string_view identity);

}  // namespace deployer
