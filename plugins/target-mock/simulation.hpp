#pragma once

#include "behaviour.hpp"
#include "cluster.hpp"

#include <deployer/unit.hpp>

#include <optional>
#include <string>
#include <string_view>

/// How the simulated cluster reacts to orders and to the passing of time. Pure: the time is an argument.
namespace deployer::mock {

/// Whether the unit's pending state is reached by `now`.
bool is_due(const SimulatedUnit& unit, Moment now);

/// The unit's state at `now`; the cluster need not be settled before.
std::string_view state_at(const SimulatedUnit& unit, Moment now);

/// Makes all pending states that are reached by `now` current. True when there were any.
bool settle(Cluster& cluster, Moment now);

/// The unit after the order to become `wanted`; `before` is null for a new unit. Nullopt when the unit has that order
/// already. Until the delay has passed, the current state stays as before, as on the real fleet.
std::optional<SimulatedUnit> follow(const SimulatedUnit* before, const Unit& wanted, const Behaviour& behaviour,
                                    Moment now);

/// Whether exactly this version of the unit is in its desired state; `actual` is null when the cluster lacks the unit.
UnitStatus judge(const SimulatedUnit* actual, const Unit& wanted, Moment now);

/// The reason why fleet would refuse the unit, or nullopt.
std::optional<std::string> find_problem(const Unit& unit);

}  // namespace deployer::mock
