#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>
#include <deployer/unit.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// Controls the cluster that units run on. Construction does no I/O. Up to `parallelism` threads call at once, or one
/// thread if serial(); never two at once for the same unit.
class Target {
public:
    virtual ~Target() = default;

    /// Names the cluster, not the connection to it. The engine never uses cached state of one identity for another. One
    /// line, no secrets, no I/O.
    [[nodiscard]] virtual std::string identity() const = 0;

    /// Every unit of the cluster, each name once and valid (see unit_name.hpp). A listing is complete or an Error,
    /// because the engine would create a unit that is missing from the listing.
    virtual std::vector<ActualUnit> list(const Call& call) = 0;

    /// Creates the unit or replaces its content, and sets its desired state. A unit that already is as wanted stays
    /// unchanged. Success means that the target has accepted the unit, not that it runs; status() reports that. Throws
    /// `rejected` when the target refuses this unit in particular (other units go on), and `unavailable` when the cause
    /// is unknown or would affect any other unit as well (the cycle ends).
    virtual void apply(const Unit& unit, const Call& call) = 0;

    /// Sets the desired state of a unit and keeps its content. Succeeds also when the unit has that desired state
    /// already. Throws `not_found` for an absent unit.
    virtual void set_desired_state(std::string_view unit, DesiredState state, const Call& call) = 0;

    /// Removes a unit from the target. Succeeds also when the unit is absent.
    virtual void destroy(std::string_view unit, const Call& call) = 0;

    /// Whether exactly this content of the unit is in its desired state. Never `ready` for another version of the unit.
    /// `absent` exactly when the target has no version of the unit, which may also happen shortly after apply(), when
    /// the target does not show the unit yet.
    virtual UnitStatus status(const Unit& unit, const Call& call) = 0;

    /// True when the engine must make only one call at a time.
    [[nodiscard]] virtual bool serial() const { return false; }
};

}  // namespace deployer
