#include "memory/booking.hpp"

#include "plan/services.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

namespace deployer {
namespace {

void note_former(RolloutRecord& record, const Attempt& attempt, const Plan& plan) {
    for (const auto index : attempt.changes) {
        const auto& change = plan.changes[index];
        const bool is_known = std::any_of(record.former.begin(), record.former.end(),
                                          [&](const auto& unit) { return unit.name == change.unit; });
        if (is_known || change.former == nullptr) continue;
        record.former.push_back({change.unit, change.former, change.former_state});
    }
}

/// The units that are not known to be ready after the cycle: those that the cycle could not look at, did not see ready,
/// or did not bring through. A unit that was put back was seen ready as it was. A unit that was skipped is as unproven
/// as it was before the cycle.
std::set<std::string> unproven_after(const CycleReport& report, const UnprovenBefore& before) {
    std::set<std::string> unproven;
    for (const auto& entry : report.not_ready) {
        if (entry.was_changed) unproven.insert(entry.unit);
    }
    for (const auto& result : report.changes) {
        const auto& unit = result.change.unit;
        const bool is_well = result.status == ChangeStatus::done || result.status == ChangeStatus::rolled_back;
        const bool is_untouched = result.status == ChangeStatus::skipped &&
                                  !std::binary_search(before.units.begin(), before.units.end(), unit);
        if (!is_destroy(result.change.kind) && !is_well && !is_untouched) unproven.insert(unit);
    }
    return unproven;
}

/// Whether the cycle leaves the service alone, because it is paused, quarantined or held. Its records have to stay
/// then. While the list of services is in doubt, a service that the list does not name may still be wanted and counts
/// as held. A service that the list names is rolled out as ever.
bool is_left_alone(std::string_view service, const Plan& plan, const ServiceSet& wanted) {
    const bool may_be_wanted = !wanted.contains(service);
    return std::any_of(plan.standing.begin(), plan.standing.end(),
                       [&](const auto& still) { return still.service.empty() || still.service == service; }) ||
           std::any_of(plan.held.begin(), plan.held.end(), [&](const auto& held) {
               return held.service == service || (may_be_wanted && held.may_mean(service));
           });
}

/// Whether a quarantined service has no change left. If its units are ready too, they only took longer than the
/// timeout.
bool has_come_through(const std::string& service, const Plan& plan) {
    return std::any_of(plan.standing.begin(), plan.standing.end(), [&](const auto& still) {
        return still.service == service && still.outcome == Outcome::quarantined && still.changes == 0;
    });
}

/// Whether every change of the service is done, destroys aside.
bool is_through(const std::string& service, const CycleReport& report) {
    return std::all_of(report.changes.begin(), report.changes.end(), [&](const auto& result) {
        return result.change.service != service || is_destroy(result.change.kind) ||
               result.status == ChangeStatus::done;
    });
}

/// Whether the ledger can forget the rollout.
bool is_over(const RolloutRecord& record, const Ledger& ledger, const EndedCycle& cycle, const ServiceSet& wanted) {
    const bool is_proven = std::none_of(ledger.unproven.begin(), ledger.unproven.end(),
                                        [&](const auto& unit) { return service_name(unit) == record.service; });
    if (!is_proven) return false;
    if (record.quarantine) return has_come_through(record.service, cycle.plan);
    return !is_left_alone(record.service, cycle.plan, wanted) && is_through(record.service, cycle.report);
}

/// Whether paused or quarantined services have changes left. A pause of all services is one entry.
bool leaves_changes(const Plan& plan) {
    return std::any_of(plan.standing.begin(), plan.standing.end(), [](const auto& still) { return still.changes > 0; });
}

bool is_anything_made(const CycleReport& report) {
    return std::any_of(report.changes.begin(), report.changes.end(), [](const auto& result) { return result.is_made; });
}

/// Whether nothing of the revision is owed any more. Destroys that `max_destroy` stopped, and units that the target
/// alters, are not owed: trying again would end the same until the source or the configuration changes. Units that are
/// as wanted but do not run are not owed either, since there is no change to make.
bool is_applied(const Plan& plan, const CycleReport& report) {
    const bool is_all_proven = std::none_of(report.not_ready.begin(), report.not_ready.end(),
                                            [](const auto& entry) { return entry.was_changed; });
    if (!is_all_proven || leaves_changes(plan)) return false;
    if (report.result <= Outcome::paused) return true;
    return report.held.empty() && report.left.disputed == 0 && !report.error &&
           std::none_of(report.groups.begin(), report.groups.end(),
                        [](const auto& group) { return group.outcome > Outcome::paused; }) &&
           std::all_of(report.changes.begin(), report.changes.end(),
                       [](const auto& result) { return result.status == ChangeStatus::done; });
}

HistoryEntry history_entry(const CycleReport& report, const std::string& now) {
    constexpr std::size_t up_to_seconds = 19;
    HistoryEntry entry{now.substr(0, up_to_seconds) + "Z", report.revision, std::string(to_string(report.result)),
                       summarise(report)};
    std::copy_if(report.groups.begin(), report.groups.end(), std::back_inserter(entry.groups),
                 [](const auto& group) { return group.outcome != Outcome::applied; });
    return entry;
}

}  // namespace

Ledger book_attempt(const Ledger& before, const Plan& plan, const WantedState& wanted,
                    const std::vector<Attempt>& attempts) {
    auto ledger = before;
    ledger.attempted = plan.revision;
    // Differences were found: if this revision was applied once, it no longer is.
    if (ledger.applied == plan.revision) ledger.applied = {};
    ledger.forget_made(plan);
    const auto digests = group_digests(wanted);
    for (const auto& attempt : attempts) {
        if (attempt.may_go_back) {
            const auto found = digests.find(attempt.service);
            const auto digest = found == digests.end() ? std::string() : found->second;
            auto& record = ledger.rollout_of(attempt.service);
            // A unit goes back to its present content. But a unit that was changed and never seen ready has none that
            // is worth going back to, so the former content in the ledger stays. While the same content is rolled
            // out, every unit keeps the former content in the ledger: its present content may be the new one.
            if (record.digest != digest) {
                std::erase_if(record.former, [&](const auto& unit) { return !before.is_unproven(unit.name); });
            }
            record.digest = digest;
            record.fresh = attempt.is_fresh;
            note_former(record, attempt, plan);
        }
        for (const auto index : attempt.gated) ledger.add_unproven(plan.changes[index].unit);
    }
    return ledger;
}

Ledger book_verdict(Ledger ledger, const std::string& service, const Quarantine& quarantine,
                    const WantedState& wanted) {
    auto& record = ledger.rollout_of(service);
    record.digest = group_digests(wanted)[service];
    record.quarantine = quarantine;
    if (quarantine.outcome != Outcome::rolled_back) record.former.clear();
    return ledger;
}

UnprovenBefore unproven_before(const Ledger& ledger, const ActualState& actual) {
    std::set<std::string_view> present;
    for (const auto& unit : actual.units) present.insert(unit.name);
    UnprovenBefore before{ledger.unproven, {}};
    std::copy_if(ledger.unproven.begin(), ledger.unproven.end(), std::back_inserter(before.missing),
                 [&](const auto& unit) { return !present.contains(unit); });
    return before;
}

Ledger book_cycle(Ledger ledger, const EndedCycle& cycle) {
    const auto& [plan, wanted, report, before, fingerprint, now] = cycle;
    const auto services = services_of(wanted.units);
    ledger.attempted = report.revision;
    auto unproven = unproven_after(report, before);
    for (const auto& unit : before.missing) {
        if (is_left_alone(service_name(unit), plan, services)) unproven.insert(unit);
    }
    ledger.keep_unproven(unproven);
    ledger.note_made(plan, report.changes);
    if (is_anything_made(report)) ledger.changed_at = now;
    if (!report.error) ledger = book_not_running(std::move(ledger), report);
    std::erase_if(ledger.rollouts, [&](const auto& record) { return is_over(record, ledger, cycle, services); });
    if (is_applied(plan, report)) {
        ledger.applied = report.revision;
        ledger.fingerprint = fingerprint;
        ledger.left = report.left;
        ledger.notes = report.notes;
    } else if (ledger.applied == report.revision) {
        ledger.applied = {};
    }
    if (!report.changes.empty() || !plan.gated.empty()) ledger.add(history_entry(report, now));
    return ledger;
}

Ledger book_not_running(Ledger ledger, const CycleReport& report) {
    ledger.not_running.clear();
    std::copy_if(report.not_ready.begin(), report.not_ready.end(), std::back_inserter(ledger.not_running),
                 [](const auto& entry) { return !entry.was_changed; });
    return ledger;
}

}  // namespace deployer
