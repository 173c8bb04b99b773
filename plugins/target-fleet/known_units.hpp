#pragma once

#include "fleet_json.hpp"
#include "relations.hpp"

#include <deployer/unit.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::fleet {

/// The units that exist as far as this process knows, from what it listed, applied and destroyed; and what stopping one
/// of them does to the others. On which machines they are does not count: that may have changed since the listing. Any
/// thread may call anything at any time.
class KnownUnits {
public:
    void add(const Unit& unit);
    void set_desired_state(std::string_view unit, DesiredState state);
    void remove(std::string_view unit);
    void replace_with(const std::vector<FleetUnit>& listing);

    /// Whether there was a listing at all: before, a name that nobody knows could be missing in it.
    [[nodiscard]] bool were_listed() const;
    /// Those that are not among `names`, which are sorted.
    [[nodiscard]] std::vector<std::string> missing_in(std::span<const std::string> names) const;

    /// Whether the unit is known with another content than this one. It may then run, whatever it was last told.
    [[nodiscard]] bool may_run_otherwise(const Unit& unit) const;
    /// Whether the unit is known, and to be launched.
    [[nodiscard]] bool is_to_run(std::string_view unit) const;
    /// Whether systemd, told to stop the unit and to start it in one breath, always does both. Not so where another
    /// unit is ordered after it: the stop then waits for that one's own stop, and the start takes the place of what
    /// waits.
    [[nodiscard]] bool restarts_at_once(std::string_view unit) const;
    /// The units that are to run and that systemd stops along with this one, directly or by way of others.
    [[nodiscard]] std::vector<std::string> stopped_along_with(std::string_view unit) const;
    /// Whether systemd starts `other` by itself when it starts the unit.
    [[nodiscard]] bool is_started_by(const Unit& unit, std::string_view other) const;
    /// As fleet's `/state` shows it; empty: the unit is not known.
    [[nodiscard]] std::string hash_of(std::string_view unit) const;

private:
    struct Known {
        std::string hash;
        DesiredState desired_state = DesiredState::launched;
        Relations relations;  ///< of all versions since the listing: its machine may still have a former one
    };
    using Units = std::map<std::string, Known, std::less<>>;

    [[nodiscard]] const Known* find(std::string_view unit) const;

    mutable std::mutex mutex_;
    Units units_;
    bool were_listed_ = false;
};

}  // namespace deployer::fleet
