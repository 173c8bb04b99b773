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

// Looks at units that a plan does not change: asks the target for their status, without waiting for a change.

/// The units that earlier cycles changed and did not see ready, without those that the plan changes (R25, R31).
std::vector<DeployedUnit> unproven_units(const Plan& plan, const ActualState& actual, const Ledger& ledger);

/// The target's answers on some units.
struct Look {
    std::vector<NotReady> not_ready;  ///< units that are not ready, or that the target rejects
    std::set<std::string> unplaced;   ///< units on no machine
};

/// Asks for the status of each unit. `were_changed`: whether an earlier cycle changed them (NotReady::was_changed).
/// Throws as the target does, except for errors that concern one unit only.
Look look_at(const std::vector<DeployedUnit>& units, bool were_changed, Target& target, const Calls& calls);

/// The known state of cluster and source, and the ledger.
struct Known {
    const ActualState& actual;
    const WantedState* wanted;  ///< null: not read yet
    const Ledger& ledger;
};

/// Units that are as wanted but may not run (R42). The target is asked for their status once after each listing, and
/// again every `resync_interval`. One thread.
class RestingUnits {
public:
    using Clock = std::chrono::steady_clock;

    RestingUnits(std::chrono::milliseconds placement_grace, std::chrono::milliseconds resync_interval)
        : placement_grace_(placement_grace), resync_interval_(resync_interval) {}

    /// Takes KnownCluster::listed_at(). After a new listing, a look at the units in doubt is due.
    void note_listing(Clock::time_point listed_at) noexcept;

    /// Wanted units without a change that may not run: those that did not run at the last look and, until a look has
    /// followed the last listing, those that the listing leaves in doubt.
    [[nodiscard]] std::vector<DeployedUnit> in_doubt(const Known& known, const std::vector<Change>& changes) const;

    [[nodiscard]] bool is_look_due(const Ledger& ledger) const;

    /// Adds the units of `in_doubt` that do not run to the report. Asks the target when a look is due. Otherwise, and
    /// when the target does not answer, the last answer counts, which is in the ledger.
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
