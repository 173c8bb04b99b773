#pragma once

#include <deployer/unit.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace deployer::fleet {

/// Names of units, as patterns for fnmatch(3): a specifier that only the machine knows (`%H`) becomes `*`.
using Names = std::vector<std::string>;

/// The relations of a unit file to other units, as systemd on the unit's machine reads them (systemd.unit(5)).
struct Relations {
    Names
        stops_with;  ///< When one of these is stopped, systemd stops the unit too: `BindsTo=`, `Requires=`, `PartOf=` …
    Names takes_along;   ///< These are stopped when the unit is: `PropagatesStopTo=`, `RequiredBy=`.
    Names after;         ///< These stop only when the unit has stopped: `After=`, and what a target wants.
    Names before;        ///< The unit stops only when these have stopped: `Before=`, and what a timer triggers.
    Names starts;        ///< These are started when the unit is: `Wants=`, `Requires=`, `BindsTo=` …
    Names started_with;  ///< The unit is started when one of these is: `WantedBy=`, `RequiredBy=`.
};

Relations read_relations(const Unit& unit);

/// Whether one of the patterns matches the unit's name.
bool holds(const Names& names, std::string_view unit);

}  // namespace deployer::fleet
