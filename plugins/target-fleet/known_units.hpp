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

/// The units that this process knows, from its listings, applies and destroys; and the effects that stopping one of
/// them has on the others. Machines do not count: a unit may have moved since the listing. Any thread may call any
/// function at any time.
class KnownUnits {
public:
    void add(const Unit& unit);
    void set_desired_state(std::string_view unit, DesiredState state);
    void remove(std::string_view unit);
    void replace_with(const std::vector<FleetUnit>& listing);

    /// Whether there was a listing already. Before the first one, missing_in() cannot tell what a listing lacks.
    [[nodiscard]] bool were_listed() const;
    /// The known units that are not among `names`, which must be sorted.
    [[nodiscard]] std::vector<std::string> missing_in(std::span<const std::string> names) const;

    /// Whether the unit is known with a content other than this one. An old process may then run, in any desired state.
    [[nodiscard]] bool may_run_otherwise(const Unit& unit) const;
    /// Whether the unit is known with the desired state `launched`.
    [[nodiscard]] bool is_to_run(std::string_view unit) const;
    /// Whether systemd always carries out both a stop and a start of the unit that follow without a pause. False when
    /// another unit is ordered after this unit: the stop then waits for the other unit's stop, and the start replaces
    /// the waiting stop.
    [[nodiscard]] bool restarts_at_once(std::string_view unit) const;
    /// The units in desired state `launched` that systemd stops along with this unit, directly or through other units.
    [[nodiscard]] std::vector<std::string> stopped_along_with(std::string_view unit) const;
    /// Whether systemd starts `other` when it starts the unit.
    [[nodiscard]] bool is_started_by(const Unit& unit, std::string_view other) const;
    /// The unit's hash as in fleet's `/state`; empty for an unknown unit.
    [[nodiscard]] std::string hash_of(std::string_view unit) const;

private:
    struct Known {
        std::string hash;
        DesiredState desired_state = DesiredState::launched;
        Relations relations;  ///< of all versions since the listing, as its machine may still have an old one
    };
    using Units = std::map<std::string, Known, std::less<>>;

    [[nodiscard]] const Known* find(std::string_view unit) const;

    mutable std::mutex mutex_;
    Units units_;
    bool were_listed_ = false;
};

}  // namespace deployer::fleet
