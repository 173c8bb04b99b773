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
        stops_with;  ///< systemd stops the unit when it stops one of these units: `BindsTo=`, `Requires=`, `PartOf=` …
    Names takes_along;   ///< systemd stops these units when it stops the unit: `PropagatesStopTo=`, `RequiredBy=`.
    Names after;         ///< These units stop only after the unit: `After=`, and the units that a target wants.
    Names before;        ///< The unit stops only after these units: `Before=`, and the unit that a timer triggers.
    Names starts;        ///< systemd starts these units when it starts the unit: `Wants=`, `Requires=`, `BindsTo=` …
    Names started_with;  ///< systemd starts the unit when it starts one of these units: `WantedBy=`, `RequiredBy=`.
};

Relations read_relations(const Unit& unit);

/// Whether one of the patterns matches the unit's name.
bool holds(const Names& names, std::string_view unit);

}  // namespace deployer::fleet
