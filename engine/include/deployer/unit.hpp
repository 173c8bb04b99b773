#pragma once

#include <deployer/export.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// One `Name=value` line of a unit file. The order of a unit's options is part of its meaning, and names may repeat.
struct UnitOption {
    std::string section;
    std::string name;
    std::string value;

    bool operator==(const UnitOption&) const = default;
};

/// How far a target takes a unit: known to the cluster, placed on a machine, or started there.
enum class DesiredState { inactive, loaded, launched };

DEPLOYER_SDK_EXPORT std::string_view to_string(DesiredState state) noexcept;
/// Exact, lower-case words only; anything else is nullopt.
DEPLOYER_SDK_EXPORT std::optional<DesiredState> desired_state_from(std::string_view word) noexcept;

/// The wanted state of one unit. The name is complete (`foo@2.service`) and valid (see unit_name.hpp).
struct Unit {
    std::string name;
    std::vector<UnitOption> options;
    DesiredState desired_state = DesiredState::launched;

    bool operator==(const Unit&) const = default;
};

/// A unit as a target reports it: the content and desired state that the target was last given, and the target's own
/// word for the unit's current state (may be empty). The engine decides nothing from that word alone: when it differs
/// from the desired state's word, the engine calls status() after the listing.
struct ActualUnit {
    Unit unit;
    std::string current_state;
};

/// Whether *this version* of a unit is in its desired state (R42). While an older version still runs, this version is
/// `waiting` or `pending`.
enum class Readiness {
    waiting,   ///< Not ready yet, but may become so.
    ready,     ///< The unit has this content and is in this desired state now.
    failed,    ///< The unit will not become ready by itself: waiting longer is pointless.
    absent,    ///< The target does not have the unit, or not yet.
    unplaced,  ///< The target has the unit, but no machine takes it. A gate waits as for `waiting`, but not as long.
    pending,   ///< The unit's machine has not begun to act on this version. A gate waits as for `waiting`; a unit that
               ///< stays pending to the end says nothing about its content, so the content is not quarantined. A target
               ///< that cannot tell reports `waiting`. Since 1.1.
};

struct UnitStatus {
    Readiness readiness = Readiness::waiting;
    std::string detail;  ///< The unit's state for people, e.g. "activating (auto-restart)".
};

}  // namespace deployer
