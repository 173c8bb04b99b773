#pragma once

#include "actual/actual.hpp"
#include "events/report.hpp"
#include "memory/ledger.hpp"
#include "plan/plan.hpp"
#include "wanted/wanted.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace deployer {

// Booking makes a new ledger of the former one and of what a cycle is about to do, or has done. Every function here is
// pure: the caller reads the clock and stores the ledger.

/// The changes that a rollout is about to make to one service.
struct Attempt {
    std::string service;
    bool is_fresh = false;             ///< no unit of the service was there when its rollout began
    bool may_go_back = false;          ///< the ledger has to know what its units are now, to put them back
    std::vector<std::size_t> changes;  ///< indices into Plan::changes, in the order in which the changes begin
    std::vector<std::size_t> gated;    ///< those of them that end only when the unit is ready
};

/// Before the first change. The revision is attempted and no longer applied. Units whose readiness is waited for are
/// unproven, and the units of a service that may go back are remembered as they are (R31, R43).
Ledger book_attempt(const Ledger& before, const Plan& plan, const WantedState& wanted,
                    const std::vector<Attempt>& attempts);

/// Before anything of the service is put back: its content, as `wanted`, is quarantined (R43). Only a service that was
/// rolled back keeps the memory of its former units.
Ledger book_verdict(Ledger ledger, const std::string& service, const Quarantine& quarantine, const WantedState& wanted);

/// The unproven units at the beginning of a cycle.
struct UnprovenBefore {
    std::vector<std::string> units;    ///< all of them, sorted
    std::vector<std::string> missing;  ///< those of them that the cluster does not have
};
UnprovenBefore unproven_before(const Ledger& ledger, const ActualState& actual);

/// A cycle that compared, and ended one way or another. All of it must outlive the booking.
struct EndedCycle {
    const Plan& plan;
    const WantedState& wanted;
    const CycleReport& report;
    const UnprovenBefore& before;
    const std::string& fingerprint;  ///< of the configuration that the cycle went by
    std::string now;                 ///< a timestamp()
};

/// At the end of a cycle. The revision is applied if everything that it asked for ended well, else it is owed (R31).
/// Rollouts that are through are forgotten, and so are units that were seen ready.
Ledger book_cycle(Ledger ledger, const EndedCycle& cycle);

/// After a cycle that only looked: the units that were found not to run.
Ledger book_not_running(Ledger ledger, const CycleReport& report);

}  // namespace deployer
