#pragma once

#include "actual/actual.hpp"
#include "events/report.hpp"
#include "host/calls.hpp"
#include "memory/ledger.hpp"
#include "plan/plan.hpp"
#include "wanted/wanted.hpp"

#include <deployer/target.hpp>

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace deployer {

// Looks at units that a plan does not change: the target is asked for their status, and nothing is waited for.

/// The units that earlier cycles changed and did not see ready, without those that the plan changes (R25, R31).
std::vector<DeployedUnit> unproven_units(const Plan& plan, const ActualState& actual, const Ledger& ledger);

/// The target's word on some units.
struct Look {
    std::vector<NotReady> not_ready;  ///< units that the target does not call ready, or refuses to tell of
    std::set<std::string> unplaced;   ///< units on no machine
};

/// Asks for the status of each unit. `were_changed`: by an earlier cycle (NotReady::was_changed). Throws as the target
/// for trouble that is not the unit's own.
Look look_at(const std::vector<DeployedUnit>& units, bool were_changed, Target& target, const Calls& calls);

/// What is known of cluster, source and earlier cycles.
struct Known {
    const ActualState& actual;
    const WantedState* wanted;  ///< null: not read yet
    const Ledger& ledger;
};

/// The units that are as wanted and may not run all the same (R42). The target is asked for them once after each
/// listing, and each time that `resync_interval` is over. One thread.
class RestingUnits {
public:
    using Clock = std::chrono::steady_clock;

    RestingUnits(std::chrono::milliseconds placement_grace, std::chrono::milliseconds resync_interval)
        : placement_grace_(placement_grace), resync_interval_(resync_interval) {}

    /// When the actual state was listed, or read from the snapshot. The units that another listing than the last one
    /// leaves in doubt were not looked at.
    void note_listing(Clock::time_point listed_at) noexcept;

    /// Wanted units without a change of which it is in doubt whether they run: by the last listing, if the units that
    /// it leaves in doubt were not looked at, else by the last look.
    [[nodiscard]] std::vector<DeployedUnit> in_doubt(const Known& known, const std::vector<Change>& changes) const;

    [[nodiscard]] bool is_look_due(const Ledger& ledger) const;

    /// Adds those of `in_doubt` that do not run to the report. Asks the target when a look is due. Else, and when the
    /// target does not answer, its last answer counts, which is in the ledger.
    void tell_not_running(CycleReport& report, const std::vector<DeployedUnit>& in_doubt, const Ledger& ledger,
                          Target& target, const Calls& calls);

private:
    std::chrono::milliseconds placement_grace_;
    std::chrono::milliseconds resync_interval_;
    Clock::time_point listed_at_;
    std::optional<Clock::time_point> looked_at_;
    bool is_unlooked_ = false;
};

}  // namespace deployer
