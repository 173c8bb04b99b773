#pragma once

#include "events/report.hpp"
#include "memory/ledger.hpp"
#include "memory/orders.hpp"
#include "plan/plan.hpp"
#include "wanted/wanted.hpp"

namespace deployer {

// The report at the beginning of a cycle, before any change is made. Pure.

/// The report on a plan: every change is `planned`, and services that are paused, quarantined or on their way back are
/// listed with the reason.
CycleReport propose(const Plan& plan, const WantedState& wanted, const Ledger& ledger);

/// The report of a cycle without a comparison, because neither source nor cluster changed and no change is owed. It
/// lists the units that the last comparison left alone, and services that are paused or quarantined.
CycleReport propose_nothing(const Ledger& ledger, const Orders& orders);

}  // namespace deployer
