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

/// One machine's report on a unit. Without hash and machine, the unit's own are shown.
struct FleetState {
    std::string load = "loaded";
    std::string active = "active";
    std::string sub = "running";
    std::string hash = {};
    std::string machine = {};
};

/// The registry's record of a unit; kept also after the unit is destroyed.
struct Slot {
    bool exists = false;
    bool is_unreadable = false;
    Unit unit = {};
    std::string hash = {};
    std::optional<std::size_t> machine = std::nullopt;  ///< the machine that the unit is scheduled to
    std::optional<std::size_t> beat = std::nullopt;     ///< the machine that has launched it
    std::map<std::size_t, Report> told = {};            ///< reports by machine
    std::vector<std::pair<Time, bool>> history = {};    ///< times from which on the unit was up or down
    std::optional<std::vector<FleetState>> shown_states = std::nullopt;
    std::string shown_current_state = {};
};
using Slots = std::map<std::string, Slot, std::less<>>;

[[nodiscard]] bool is_global(const Unit& unit);

[[nodiscard]] std::string machine_id(std::size_t number);

/// The unit's state by the rules of registry/job_state.go: inactive without a report from its machine, and launched
/// only when that machine reports that it has launched the unit.
[[nodiscard]] std::string current_state(const Slot& slot);

/// The machines' reports on a unit, or those that a test has set.
[[nodiscard]] std::vector<FleetState> states_of(const Slot& slot);

/// fleet's engine. Removes units from their machines that should be inactive or no longer fit there. Schedules the
/// other units, each to the fit machine with the fewest units (MachineID, MachineOf, Conflicts). Returns the number of
/// decisions.
std::size_t schedule(Slots& slots, std::size_t machines, const std::function<bool(const Unit&)>& is_schedulable);

}  // namespace deployer::simulated
