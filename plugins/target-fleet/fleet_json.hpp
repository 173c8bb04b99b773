#pragma once

#include <deployer/unit.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::fleet {

/// A unit as fleet holds it. A global unit has neither a current state nor a machine.
struct FleetUnit {
    Unit unit;
    std::string current_state;
    std::string machine;
};

/// One machine's report on a unit. States are systemd's own words, empty when systemd gave none.
struct StateEntry {
    std::string unit;
    std::string hash;
    std::string machine;
    std::string load;
    std::string active;
    std::string sub;
};

struct Machine {
    std::string id;
    std::map<std::string, std::string> metadata;
};

template <class Item>
struct Page {
    std::vector<Item> items;
    std::string next;  ///< the token of the page after it; empty: it is the last one
};

/// Readers of fleet's answers. Throw Error `unavailable`, which says what is wrong where: `units[3].name is missing`.
Page<FleetUnit> read_units(const std::string& body);
Page<StateEntry> read_states(const std::string& body);
Page<Machine> read_machines(const std::string& body);
FleetUnit read_unit(const std::string& body);

/// The message of an error in fleet's own form, maybe an empty one; nullopt: the body is something else.
std::optional<std::string> read_error(const std::string& body);

/// Bodies of PUT. All text is UTF-8.
std::string write_unit(const Unit& unit);
std::string write_desired_state(std::string_view unit, DesiredState state);

}  // namespace deployer::fleet
