#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/export.hpp>
#include <deployer/unit.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// Where units run. Construction does no I/O. Up to `parallelism` threads call at once, unless serial(); never two at
/// once for the same unit.
class Target {
public:
    virtual ~Target() = default;

    /// Names the cluster, not the connection to it: cached state of one identity is never used for another. One line,
    /// no secrets, no I/O.
    [[nodiscard]] virtual std::string identity() const = 0;

    /// Every unit of the cluster, each name once and valid (see unit_name.hpp). A listing is complete or an Error: a
    /// missing unit would be taken for one to create.
    virtual std::vector<ActualUnit> list(const Call& call) = 0;

    /// Creates the unit or replaces its content, and sets its desired state. Applying what is already there changes
    /// nothing. Success: the target has accepted it, not that it runs; status() tells that. Throws `rejected` when it
    /// is this unit that the target does not take (others go on), `unavailable` when it cannot be told or would meet
    /// any other unit alike (the cycle ends).
    virtual void apply(const Unit& unit, const Call& call) = 0;

    /// Success also when it is in that state already. An absent unit is `not_found`.
    virtual void set_desired_state(std::string_view unit, DesiredState state, const Call& call) = 0;

    /// Success also when the unit is absent.
    virtual void destroy(std::string_view unit, const Call& call) = 0;

    /// Whether this very content is in its desired state. Never `ready` for another version of the unit. `absent`
    /// exactly when the target does not have the unit in any version: what was just applied may not show yet.
    virtual UnitStatus status(const Unit& unit, const Call& call) = 0;

    /// True: the engine makes one call at a time.
    [[nodiscard]] virtual bool serial() const { return false; }
};

}  // namespace deployer
