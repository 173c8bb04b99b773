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

/// Gives a unit that is there another content, and a process of that content.
///
/// fleet's agent tells systemd to stop a unit that was replaced and, without waiting, to start it. Where systemd has to
/// stop another unit first, the start takes the place of the stop that still waits: the old process goes on, and fleet
/// calls it the new version. So such a unit is told to be `loaded`, seen stopped, and then replaced. Units that systemd
/// stops along with it and does not start again by itself are started again. Any thread, but never two at once for one
/// unit.
class Replacement {
public:
    /// The arguments must outlive the Replacement. `look_every`: the pause between two looks at a unit that is to stop.
    Replacement(const FleetApi& api, KnownUnits& known, WholeListing& listing, Update update,
                std::chrono::milliseconds look_every)
        : api_(api), known_(known), listing_(listing), update_(update), look_every_(look_every) {}

    /// As Target::apply(). A unit that systemd does not stop in time is `rejected`, and told to run on as it was.
    void apply(const Unit& unit, const Call& call);

    /// As Target::set_desired_state() and Target::destroy().
    void set_desired_state(std::string_view unit, DesiredState state, const Call& call);
    void destroy(std::string_view unit, const Call& call);

private:
    /// Units that were told to be `loaded` and that have to be told to run again, the first to be told last.
    using Stopped = std::vector<std::string>;

    void exchange(const Unit& unit, bool was_stopped, const Call& call);
    void exchange_stopped(const Unit& unit, std::vector<std::string> along, const Call& call);
    void recreate(const Unit& unit, const Call& call);
    /// False: fleet has the unit, but with other options, and keeps them.
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
