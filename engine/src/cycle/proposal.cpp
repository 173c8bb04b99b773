#include "cycle/proposal.hpp"

#include "memory/standing_orders.hpp"

#include <algorithm>

namespace deployer {

CycleReport propose(const Plan& plan, const WantedState& wanted, const Ledger& ledger) {
    auto report = report_of(plan, wanted);
    for (const auto& record : ledger.rollouts) {
        if (!record.quarantine || record.quarantine->outcome != Outcome::rolled_back) continue;
        auto still = standstill_of(record);
        const auto pause = std::find_if(report.groups.begin(), report.groups.end(),
                                        [&](const auto& group) { return group.service == record.service; });
        if (pause != report.groups.end()) add_pause(still, pause->detail);
        tell_standstill(report, still);
    }
    report.result = conclude(report);
    return report;
}

CycleReport propose_nothing(const Ledger& ledger, const Orders& orders) {
    CycleReport report;
    report.revision = ledger.applied;
    report.left = ledger.left;
    report.notes = ledger.notes;
    report.not_ready = ledger.not_running;
    for (const auto& still : standing_orders(ledger, orders).still) tell_standstill(report, still);
    report.result = conclude(report);
    return report;
}

}  // namespace deployer
