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

// Booking makes a new ledger from the former one and from a cycle that is about to begin or has ended. Every function
// here is pure: the caller reads the clock and stores the ledger.

/// The changes that a rollout is about to make to one service.
struct Attempt {
    std::string service;
    bool is_fresh = false;             ///< no unit of the service existed when its rollout began
    bool may_go_back = false;          ///< its units may be put back, so the ledger has to keep their present content
    std::vector<std::size_t> changes;  ///< indices into Plan::changes, in the order in which the changes begin
    std::vector<std::size_t> gated;    ///< the indices in `changes` of changes that end only when the unit is ready
};

/// The ledger to store before the first change. The revision becomes attempted and is no longer applied. Gated units
/// become unproven, and the present units of a service that may go back are kept (R31, R43).
Ledger book_attempt(const Ledger& before, const Plan& plan, const WantedState& wanted,
                    const std::vector<Attempt>& attempts);

/// The ledger to store before any unit of the service is put back: the content that `wanted` has for the service is
/// quarantined (R43). Only a service that was rolled back keeps its former units.
Ledger book_verdict(Ledger ledger, const std::string& service, const Quarantine& quarantine, const WantedState& wanted);

/// The unproven units at the beginning of a cycle.
struct UnprovenBefore {
    std::vector<std::string> units;    ///< all unproven units, sorted
    std::vector<std::string> missing;  ///< the unproven units that the cluster does not have
};
UnprovenBefore unproven_before(const Ledger& ledger, const ActualState& actual);

/// A cycle that made a plan and has ended, well or not. The values referred to must outlive the booking.
struct EndedCycle {
    const Plan& plan;
    const WantedState& wanted;
    const CycleReport& report;
    const UnprovenBefore& before;
    const std::string& fingerprint;  ///< of the configuration that the cycle used
    std::string now;                 ///< a timestamp()
};

/// The ledger to store at the end of a cycle. The revision becomes applied if all its changes ended well; otherwise it
/// is owed (R31). Rollouts that are over are forgotten, and so are unproven units that were seen ready.
Ledger book_cycle(Ledger ledger, const EndedCycle& cycle);

/// The ledger to store after a cycle that only looked at units: it lists the units that do not run.
Ledger book_not_running(Ledger ledger, const CycleReport& report);

}  // namespace deployer
