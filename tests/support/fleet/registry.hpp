#pragma once

#include "support/fleet/agent.hpp"

#include <deployer/unit.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::simulated {

/// What one machine says of a unit. Without hash and machine: those that the unit has.
struct FleetState {
    std::string load = "loaded";
    std::string active = "active";
    std::string sub = "running";
    std::string hash = {};
    std::string machine = {};
};

/// What the registry has of a unit, also of one that is no longer there.
struct Slot {
    bool exists = false;
    bool is_unreadable = false;
    Unit unit = {};
    std::string hash = {};
    std::optional<std::size_t> machine = std::nullopt;  ///< that it is scheduled to
    std::optional<std::size_t> beat = std::nullopt;     ///< the machine that has launched it
    std::map<std::size_t, Report> told = {};            ///< by machine
    std::vector<std::pair<Time, bool>> history = {};    ///< from when on it was up, or was not
    std::optional<std::vector<FleetState>> shown_states = std::nullopt;
    std::string shown_current_state = {};
};
using Slots = std::map<std::string, Slot, std::less<>>;

[[nodiscard]] bool is_global(const Unit& unit);

[[nodiscard]] std::string machine_id(std::size_t number);

/// As registry/job_state.go has it: without word from its machine a unit is inactive, and launched only when that
/// machine says that it has launched it.
[[nodiscard]] std::string current_state(const Slot& slot);

/// What its machines say of a unit, or are made to say.
[[nodiscard]] std::vector<FleetState> states_of(const Slot& slot);

/// fleet's engine: takes away from their machines the units that are to be inactive, or no longer fit there, and gives
/// others a machine, the one with the fewest units that is fit (MachineID, MachineOf, Conflicts). Gives how many
/// decisions that were.
std::size_t schedule(Slots& slots, std::size_t machines, const std::function<bool(const Unit&)>& is_schedulable);

}  // namespace deployer::simulated
