#pragma once

#include "behaviour.hpp"
#include "cluster.hpp"

#include <deployer/unit.hpp>

#include <optional>
#include <string>
#include <string_view>

/// How the simulated cluster reacts to orders and to time passing. Pure: the clock is an argument.
namespace deployer::mock {

/// Whether what the unit was waiting for has come by `now`.
bool is_due(const SimulatedUnit& unit, Moment now);

/// The unit's state at `now`, whether or not the cluster has been settled since.
std::string_view state_at(const SimulatedUnit& unit, Moment now);

/// Makes what was pending until `now` current. True when there was something.
bool settle(Cluster& cluster, Moment now);

/// The unit after it was told to be as `wanted`; `before` is null for a new one. Nullopt: it is told so already. Until
/// the delay has passed the current state stays what it was, as on the real fleet.
std::optional<SimulatedUnit> follow(const SimulatedUnit* before, const Unit& wanted, const Behaviour& behaviour,
                                    Moment now);

/// Whether this very version of the unit is in its desired state; `actual` is null when it is not in the cluster.
UnitStatus judge(const SimulatedUnit* actual, const Unit& wanted, Moment now);

/// The reason why fleet would refuse the unit, or nullopt.
std::optional<std::string> find_problem(const Unit& unit);

}  // namespace deployer::mock
