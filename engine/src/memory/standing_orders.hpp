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
    /// Services whose quarantine ends because somebody asked for it, and for no other reason.
    std::set<std::string, std::less<>> retried;
};

/// The rollouts that are still of concern. A quarantine ends when its service is to be something else, is no longer
/// wanted, or was to be tried again (R43); one whose service is held stays, for nobody knows what that is to be. What
/// its units go back to stays known: something else may be what runs.
RolloutsOfConcern rollouts_of_concern(const std::vector<RolloutRecord>& rollouts, const WantedState& wanted,
                                      const Orders& orders);

/// Whether its content is not to be tried again.
bool is_quarantined(const RolloutRecord& record, const Orders& orders);

/// Why a quarantine is, and since when; for people, one line.
std::string describe(const RolloutRecord& record);

/// The same of a pause.
std::string describe(const Pause& pause);

/// How to end a quarantine.
std::string advice_for(const std::string& quarantined_service);

/// What there is to tell of a service with a quarantine.
Standstill standstill_of(const RolloutRecord& quarantined);
/// The same where that service is paused as well. `pause`: what there is to tell of the pause.
void add_pause(Standstill& quarantined, const std::string& pause);

/// What a comparison has to mind.
StandingOrders standing_orders(const Ledger& ledger, const Orders& orders);

/// The wanted state with the former contents where a rollout was rolled back: that is what its services are to be until
/// they are wanted otherwise. What a unit was that there is no former content of, it stays.
WantedState with_former_contents(WantedState wanted, const ActualState& actual, const Ledger& ledger);

}  // namespace deployer
