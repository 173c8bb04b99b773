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

/// The actual state: all units that the target reported at one moment.
struct ActualState {
    std::vector<DeployedUnit> units;  ///< each name once, in numeric order of names
    /// Names of units that the listing shows in another state than their desired one.
    std::set<std::string, std::less<>> in_doubt{};
};

/// Makes the actual state of a target's listing. Throws Error `unavailable` when a name is listed twice: the cluster
/// then changed while it was listed, and the listing may miss units as well.
ActualState actual_from(std::vector<ActualUnit> listing);

/// The actual state as a document for the cache, with the identity of the target that it was read from.
std::string write_snapshot(const ActualState& actual, std::string_view identity);

/// The actual state from such a document. Nullopt when the document is no whole snapshot, or is of another target.
std::optional<ActualState> read_snapshot(std::string_view document, std::string_view identity);

}  // namespace deployer
