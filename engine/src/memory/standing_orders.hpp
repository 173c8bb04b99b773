#pragma once

#include "actual/actual.hpp"
#include "memory/ledger.hpp"
#include "memory/orders.hpp"
#include "plan/planner.hpp"
#include "wanted/wanted.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace deployer {

struct RolloutsOfConcern {
    std::vector<RolloutRecord> rollouts;
    /// Services whose quarantine ends only because somebody asked for a retry: their content is the same.
    std::set<std::string, std::less<>> retried;
};

/// The rollouts that still matter, with their quarantines. A quarantine ends when the service is wanted with other
/// content or no longer wanted, or when somebody asked for a retry (R43). The quarantine of a held service stays, for
/// its wanted content is unknown. When a quarantine ends, the former units stay known: the cluster may still run the
/// bad content.
RolloutsOfConcern rollouts_of_concern(const std::vector<RolloutRecord>& rollouts, const WantedState& wanted,
                                      const Orders& orders);

/// Whether the service is quarantined: its content is not tried again, and no order asks for a retry.
bool is_quarantined(const RolloutRecord& record, const Orders& orders);

/// The reason of a quarantine and its beginning; for people, one line.
std::string describe(const RolloutRecord& record);

/// The reason of a pause and its beginning; for people, one line.
std::string describe(const Pause& pause);

/// The command that ends a quarantine, as advice for people.
std::string advice_for(const std::string& quarantined_service);

/// The report's entry for a quarantined service.
Standstill standstill_of(const RolloutRecord& quarantined);
/// Adds to that entry that the service is paused as well. `pause`: describe() of the pause.
void add_pause(Standstill& quarantined, const std::string& pause);

/// The facts from the ledger and from orders that the planner needs.
StandingOrders standing_orders(const Ledger& ledger, const Orders& orders);

/// The wanted state, in which each service that was rolled back has its former content: that content is wanted until
/// the source wants another one. A unit without former content keeps its present content, and a new node gets its
/// siblings' content.
WantedState with_former_contents(WantedState wanted, const ActualState& actual, const Ledger& ledger);

}  // namespace deployer
