#pragma once

#include "fleet_api.hpp"
#include "known_units.hpp"
#include "turns.hpp"
#include "whole_listing.hpp"

#include <deployer/call.hpp>
#include <deployer/error.hpp>
#include <deployer/unit.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace deployer::fleet {

/// The setting `update`.
enum class Update { automatic, replace, recreate };

/// Replaces the content of an existing unit so that its process runs the new content, too.
///
/// When a unit was replaced, fleet's agent tells systemd to stop the unit and, without waiting, to start it. If systemd
/// has to stop another unit first, the start replaces the waiting stop: the old process goes on, and fleet calls it the
/// new version. So such a unit is first set to `loaded`, and replaced only after it has stopped. Units that systemd
/// stops along with it and does not start by itself are launched again. Any thread may call, but never two at once for
/// the same unit.
class Replacement {
public:
    /// The references must outlive the Replacement. `look_every` is the pause between two looks at a stopping unit.
    Replacement(const FleetApi& api, KnownUnits& known, WholeListing& listing, Update update,
                std::chrono::milliseconds look_every)
        : api_(api), known_(known), listing_(listing), update_(update), look_every_(look_every) {}

    /// As Target::apply(). A unit that systemd does not stop in time is `rejected` and launched again as before.
    void apply(const Unit& unit, const Call& call);

    /// As Target::set_desired_state() and Target::destroy().
    void set_desired_state(std::string_view unit, DesiredState state, const Call& call);
    void destroy(std::string_view unit, const Call& call);

private:
    /// Units that were set to `loaded` and must be launched again, in reverse order.
    using Stopped = std::vector<std::string>;

    void exchange(const Unit& unit, bool was_stopped, const Call& call);
    void exchange_stopped(const Unit& unit, std::vector<std::string> along, const Call& call);
    void recreate(const Unit& unit, const Call& call);
    /// Sends the unit to fleet. False when fleet has the unit with other options and keeps these.
    [[nodiscard]] bool put(const Unit& unit, const Call& call) const;
    /// Whether systemd is certain to start the other unit again when it starts this one.
    [[nodiscard]] bool comes_along(const Unit& unit, const std::string& other, const Call& call) const;
    void stop(const std::string& unit, Stopped& stopped, const Call& call) const;
    /// Has the agents act on the unit, and on the units that stopped along with it, sooner than by themselves.
    void hurry(const std::string& unit, Stopped& stopped, const Call& call) const;
    void remind(const std::string& unit, const Call& call) const;
    void launch(const std::string& unit, const Call& call) const;
    void wait_until_gone(const std::string& unit, bool is_absent, const Call& call) const;
    [[nodiscard]] Error start_again(Stopped stopped, const Error& error, const Call& call) const;
    [[nodiscard]] Error restore(const Unit* former, const Unit& unit, const Error& error, const Call& call);

    const FleetApi& api_;
    KnownUnits& known_;
    WholeListing& listing_;
    Update update_;
    std::chrono::milliseconds look_every_;
    Turns turns_;
};

}  // namespace deployer::fleet
