#pragma once

#include "events/report.hpp"
#include "memory/ledger.hpp"
#include "memory/orders.hpp"
#include "plan/plan.hpp"
#include "wanted/wanted.hpp"

namespace deployer {

// What a cycle has to tell before it carries anything out. Pure.

/// What the plan amounts to, with every change `planned`, and why services stand still or are on their way back.
CycleReport propose(const Plan& plan, const WantedState& wanted, const Ledger& ledger);

/// The same of a cycle in which nothing moved and nothing is owed, so that nothing was compared: what the last
/// comparison left, and what stands still.
CycleReport propose_nothing(const Ledger& ledger, const Orders& orders);

}  // namespace deployer
