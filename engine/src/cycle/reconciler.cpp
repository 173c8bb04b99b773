#include "cycle/reconciler.hpp"

#include "cycle/destroys.hpp"
#include "cycle/newer_revision.hpp"
#include "cycle/proposal.hpp"
#include "cycle/surplus.hpp"
#include "memory/booking.hpp"
#include "memory/documents.hpp"
#include "memory/records.hpp"
#include "memory/standing_orders.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace deployer {
namespace {

/// Whether the error means that the known actual state may be wrong (R32).
bool says_out_of_reach(const Error& error) {
    return error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::internal;
}

/// Whether reading the same revision again may give another result: a service is held for a passing reason.
bool may_pass(const WantedState& wanted) {
    return std::any_of(wanted.held.begin(), wanted.held.end(), [](const auto& held) { return held.passing; });
}

/// The groups as attempts, for the ledger to book before the rollout.
std::vector<Attempt> attempts_of(const std::vector<RolloutGroup>& groups) {
    std::vector<Attempt> attempts;
    for (const auto& group : groups) {
        const bool may_go_back = group.on_timeout == OnTimeout::rollback || group.is_fresh;
        Attempt attempt{group.service, group.is_fresh, may_go_back, {}, {}};
        for (const auto& step : group.steps) {
            attempt.changes.insert(attempt.changes.end(), step.changes.begin(), step.changes.end());
            if (step.gated) attempt.gated.insert(attempt.gated.end(), step.changes.begin(), step.changes.end());
        }
        attempts.push_back(std::move(attempt));
    }
    return attempts;
}

/// The report that `make` returns. An exception of `make` becomes a failed report.
template <class Function>
CycleReport reported(Function&& make) {
    try {
        return make();
    } catch (const Error& error) {
        return failed_report(error);
    } catch (const std::exception& exception) {
        return failed_report(Error(ErrorKind::internal, exception.what()));
    }
}

}  // namespace

Reconciler::Reconciler(Plugins plugins, ReconcilePolicy policy, EventStream& events)
    : plugins_(std::move(plugins)),
      policy_(std::move(policy)),
      events_(events),
      cluster_(plugins_.target, plugins_.cache, events),
      resting_units_(policy_.rollout.placement_grace, policy_.resync_interval) {}

CycleReport Reconciler::run_cycle(const Calls& calls) {
    auto report = reported([&] { return reconcile(calls); });
    if (report.error && says_out_of_reach(*report.error)) try_to_forget_cluster(calls);
    events_.publish(CycleEnded{report, idle_});
    return report;
}

CycleReport Reconciler::reconcile(const Calls& calls) {
    idle_ = false;
    load_ledger(calls);
    orders_ = load_orders(*plugins_.cache, cluster_.identity(), calls);
    if (is_look_for_drift_due()) {
        cluster_.list_for_drift(calls);
    } else {
        cluster_.load(calls);
    }
    resting_units_.note_listing(cluster_.listed_at());
    idle_ = !load_wanted(calls);
    if (idle_) {
        look_again_at_rest(calls);
        return propose_nothing(*ledger_, orders_);
    }
    const auto plan = compare();
    const bool only_look = cluster_.is_listed_for_drift() && policy_.drift == Drift::report && !owed();
    auto report = only_look ? report_drift(plan, calls) : carry_out(plan, calls);
    if (cluster_.is_loaded()) cluster_.settle(calls);
    return report;
}

CycleReport Reconciler::preview(const Calls& calls) {
    return reported([&] {
        load_ledger(calls);
        orders_ = load_orders(*plugins_.cache, cluster_.identity(), calls);
        cluster_.reload(calls);
        resting_units_.note_listing(cluster_.listed_at());
        wanted_ = read_source(calls);
        const auto plan = compare();
        auto report = begin_report(plan);
        auto look = look_at(unproven_units(plan, cluster_.actual(), *ledger_), true, *plugins_.target, calls);
        report.not_ready = std::move(look.not_ready);
        keep_back_destroys(report, find_surplus(look.unplaced, cluster_.actual(), report), events_);
        tell_not_running(report, units_in_doubt(plan.changes), calls);
        report.result = conclude(report);
        return report;
    });
}

CycleReport Reconciler::validate(const Calls& calls) {
    return reported([&] { return report_of(read_source(calls)); });
}

void Reconciler::try_to_forget_cluster(const Calls& calls) {
    try {
        if (cluster_.is_identified()) cluster_.forget(calls);
    } catch (const Error& error) {
        calls.log.warning(error.what());
    }
}

void Reconciler::forget_cluster_once(const Calls& calls) {
    const std::lock_guard lock(cache_turn_);
    if (cluster_.is_loaded()) cluster_.forget(calls);
}

void Reconciler::load_ledger(const Calls& calls) {
    if (ledger_) return;
    cluster_.identify();
    ledger_ = deployer::load_ledger(*plugins_.cache, cluster_.identity(), calls);
}

Plan Reconciler::compare() {
    auto kept = rollouts_of_concern(ledger_->rollouts, *wanted_, orders_);
    ledger_->rollouts = std::move(kept.rollouts);
    auto standing = standing_orders(*ledger_, orders_);
    standing.retried = std::move(kept.retried);
    standing.retried.insert(shaken_.begin(), shaken_.end());
    if (standing.restoring.empty()) return make_plan(*wanted_, cluster_.actual(), policy_.plan, standing);
    return make_plan(with_former_contents(*wanted_, cluster_.actual(), *ledger_), cluster_.actual(), policy_.plan,
                     standing);
}

bool Reconciler::is_look_for_drift_due() const {
    if (!cluster_.is_loaded()) return false;
    if (std::chrono::steady_clock::now() - cluster_.listed_at() < policy_.resync_interval) return false;
    // While the revision is owed, a comparison also mends changes by hand. `drift: report` must not mend them.
    return policy_.drift == Drift::heal || (policy_.drift == Drift::report && !owed());
}

bool Reconciler::owed() const {
    return ledger_->applied.empty() || ledger_->attempted != ledger_->applied ||
           ledger_->fingerprint != policy_.fingerprint || (wanted_ && wanted_->revision != ledger_->applied);
}

Revision Reconciler::known_revision() const {
    if (wanted_ && !may_pass(*wanted_)) return wanted_->revision;
    // When the wanted state is not in memory and a comparison is due, the source has to give it, whatever its revision.
    return cluster_.is_settled() && !owed() ? ledger_->applied : Revision{};
}

bool Reconciler::load_wanted(const Calls& calls) {
    const auto checkout = plugins_.source->checkout(known_revision(), calls.make());
    if (!checkout) return wanted_ && (!cluster_.is_settled() || owed());
    wanted_ = read_wanted(*checkout, calls.make());
    events_.publish(WantedRead{wanted_->revision, wanted_->units.size(), wanted_->held, wanted_->warnings});
    return true;
}

WantedState Reconciler::read_source(const Calls& calls) {
    const auto checkout = plugins_.source->checkout({}, calls.make());
    return read_wanted(*checkout, calls.make());
}

CycleReport Reconciler::report_drift(const Plan& plan, const Calls& calls) {
    auto report = propose(plan, *wanted_, *ledger_);
    tell_not_running(report, units_in_doubt(plan.changes), calls);
    store_ledger(book_not_running(*ledger_, report), calls);
    report.result = conclude(report);
    if (plan.changes.empty()) return report;
    events_.publish(DriftFound{plan});
    report.result = Outcome::degraded;
    return report;
}

CycleReport Reconciler::begin_report(const Plan& plan) {
    auto report = propose(plan, *wanted_, *ledger_);
    if (!plan.destroy_obstacle.empty()) skip_destroys(report, plan.destroy_obstacle, events_);
    return report;
}

CycleReport Reconciler::carry_out(const Plan& plan, const Calls& calls) {
    auto report = begin_report(plan);
    const auto before = unproven_before(*ledger_, cluster_.actual());
    const auto in_doubt = units_in_doubt(plan.changes);
    report.error = roll_out(plan, report, calls);
    if (!report.error) tell_not_running(report, in_doubt, calls);
    conclude_groups(report);
    report.result = conclude(report);
    try {
        store_ledger(book_cycle(*ledger_, {plan, *wanted_, report, before, policy_.fingerprint, timestamp()}), calls);
    } catch (const Error& error) {
        if (!report.error) report.error = error;
        report.result = Outcome::failed;
    }
    return report;
}

std::optional<Error> Reconciler::roll_out(const Plan& plan, CycleReport& report, const Calls& calls) {
    auto groups = make_verify_groups(plan, cluster_.actual(), ledger_->unproven);
    const auto changing = make_rollout_groups(plan, policy_.rollout);
    const auto before = cluster_.actual();
    const bool changes = !changing.empty() || has_planned(report);
    if (changes) {
        store_ledger(book_attempt(*ledger_, plan, *wanted_, attempts_of(changing)), calls);
        cluster_.forget(calls);
        events_.publish(RolloutStarting{plan});
    }
    groups.insert(groups.end(), changing.begin(), changing.end());
    Rollout rollout(
        {*plugins_.target, plugins_.health.get(), policy_.rollout, calls, events_, wait_starts_,
         [&](const GroupOutcome& verdict) { store_verdict(verdict, calls); }, [&] { forget_cluster_once(calls); }},
        report.changes);
    auto end = rollout.run(groups, [&](const std::stop_token& finished) {
        if (changes) watch(plan, rollout, finished, calls);
    });
    for (auto& group : end.groups) {
        const auto* const record = ledger_->find_rollout(group.service);
        if (group.detail.empty() && record != nullptr && record->quarantine) group.detail = describe(*record);
        set_outcome(report, std::move(group));
    }
    report.overtaken = end.overtaken;
    for (auto& entry : end.findings.not_ready) {
        // A gate that was passed without a sidekick does not show that a sidekick changed by an earlier cycle is ready.
        entry.was_changed = entry.was_changed || ledger_->is_unproven(entry.unit);
        report.not_ready.push_back(std::move(entry));
    }
    note_outage(end);
    auto error = std::move(end.error);
    if (!error) {
        error = carry_out_destroys(plan, find_surplus(end.findings.unplaced, before, report), report,
                                   {*wanted_, *plugins_.source, rollout, events_, calls});
    }
    skip_destroys(report, "the cycle ended early", events_);
    if (!error && calls.stop.stop_requested() && count_unfinished(report) > 0) {
        error = Error(ErrorKind::cancelled, "the deployer was asked to stop");
    }
    return error;
}

void Reconciler::watch(const Plan& plan, Rollout& rollout, const std::stop_token& finished, const Calls& calls) {
    const auto read_orders = [&] {
        const std::lock_guard lock(cache_turn_);
        return load_orders(*plugins_.cache, cluster_.identity(), calls);
    };
    const WatchTools tools{*plugins_.source, read_orders, policy_.interval, calls};
    if (const auto why = watch_for_newer({plan, *wanted_, orders_}, tools, finished)) rollout.supersede(*why);
}

void Reconciler::note_outage(const RolloutEnd& end) {
    if (!end.error) {
        shaken_ = end.findings.shaken;
    } else if (end.error->kind() == ErrorKind::unavailable) {
        wait_starts_.clear();
        for (const auto& unit : ledger_->unproven) shaken_.emplace(service_name(unit));
    }
}

std::vector<DeployedUnit> Reconciler::units_in_doubt(const std::vector<Change>& changes) const {
    return resting_units_.in_doubt({cluster_.actual(), wanted_ ? &*wanted_ : nullptr, *ledger_}, changes);
}

void Reconciler::tell_not_running(CycleReport& report, const std::vector<DeployedUnit>& in_doubt, const Calls& calls) {
    resting_units_.tell_not_running(report, in_doubt, *ledger_, *plugins_.target, calls);
}

void Reconciler::look_again_at_rest(const Calls& calls) {
    const auto in_doubt = units_in_doubt({});
    if (in_doubt.empty() || !resting_units_.is_look_due(*ledger_)) return;
    CycleReport found;
    tell_not_running(found, in_doubt, calls);
    store_ledger(book_not_running(*ledger_, found), calls);
}

void Reconciler::store_verdict(const GroupOutcome& verdict, const Calls& calls) {
    const std::lock_guard lock(cache_turn_);
    const Quarantine quarantine{timestamp(), verdict.outcome, verdict.detail, make_identity()};
    store_ledger(book_verdict(*ledger_, verdict.service, quarantine, *wanted_), calls);
}

void Reconciler::store_ledger(Ledger ledger, const Calls& calls) {
    if (*ledger_ == ledger) return;
    // If the cache fails, the ledger in memory stays unchanged too: at worst a cycle compares once more. A stop request
    // does not end this call, because changes that were made have to be recorded.
    plugins_.cache->store(document_key(ledger_document, cluster_.identity()), write_ledger(ledger),
                          Calls{{}, calls.log, calls.timeout}.make());
    ledger_ = std::move(ledger);
}

}  // namespace deployer
