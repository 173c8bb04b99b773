#pragma once

#include <deployer/export.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// One line of a unit file. The order of a unit's options is part of its meaning, and names repeat.
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

/// A unit as somebody wants it to be. The name is whole (`foo@2.service`) and valid (see unit_name.hpp).
struct Unit {
    std::string name;
    std::vector<UnitOption> options;
    DesiredState desired_state = DesiredState::launched;

    bool operator==(const Unit&) const = default;
};

/// A unit as a target reports it: what it was last told to hold, and a word of its own on how the unit is, or none. The
/// word decides nothing; where it is not that of the desired state, the engine asks for status() after the listing.
struct ActualUnit {
    Unit unit;
    std::string current_state;
};

/// Whether *this version* of a unit is in its desired state (R42). An older version that still runs is `waiting` or
/// `pending`.
enum class Readiness {
    waiting,   ///< Not yet; asking again later may give another answer.
    ready,     ///< This content, in this desired state, now.
    failed,    ///< It will not become ready by itself: waiting longer is pointless.
    absent,    ///< The target does not have the unit, or not yet.
    unplaced,  ///< The target has it, and no machine that takes it. Waited for as `waiting`, but not as long.
    pending,  ///< Its machine has not begun to act on this version. Waited for as `waiting`; what is so to the end says
              ///< nothing of the content. `waiting` where that cannot be told. Since 1.1.
};

struct UnitStatus {
    Readiness readiness = Readiness::waiting;
    std::string detail;  ///< For people: what the target sees, e.g. "activating (auto-restart)".
};

}  // namespace deployer
