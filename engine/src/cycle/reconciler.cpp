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

/// Trouble after which what is known of the target may be wrong (R32).
bool says_out_of_reach(const Error& error) {
    return error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::internal;
}

/// What can be tried again by reading the same revision once more.
bool may_pass(const WantedState& wanted) {
    return std::any_of(wanted.held.begin(), wanted.held.end(), [](const auto& held) { return held.passing; });
}

/// What the ledger books before the groups are rolled out.
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

bool may_restart(const std::vector<RolloutGroup>& groups) {
    return std::any_of(groups.begin(), groups.end(), [](const auto& group) { return !group.companions.empty(); });
}

/// A report in any case: what ends `make` early becomes its error.
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
      resting_units_(policy_.rollout.placement_grace, policy_.resync_interval) {}

CycleReport Reconciler::run_cycle(const Calls& calls) {
    auto report = reported([&] { return reconcile(calls); });
    if (report.error && says_out_of_reach(*report.error)) try_to_forget_actual(calls);
    events_.publish(CycleEnded{report, idle_});
    return report;
}

CycleReport Reconciler::reconcile(const Calls& calls) {
    idle_ = false;
    load_ledger(calls);
    orders_ = load_orders(*plugins_.cache, *identity_, calls);
    load_actual(calls);
    idle_ = !load_wanted(calls);
    if (idle_) {
        look_again_at_rest(calls);
        return propose_nothing(*ledger_, orders_);
    }
    const auto plan = compare();
    const bool only_look = is_listed_for_drift_ && policy_.drift == Drift::report && !owed();
    auto report = only_look ? report_drift(plan, calls) : carry_out(plan, calls);
    if (actual_) settle(calls);
    return report;
}

CycleReport Reconciler::preview(const Calls& calls) {
    return reported([&] {
        load_ledger(calls);
        orders_ = load_orders(*plugins_.cache, *identity_, calls);
        if (!snapshot_is_trusted_ || !load_snapshot(calls)) list_target(calls);
        wanted_ = read_source(calls);
        const auto plan = compare();
        auto report = begin_report(plan);
        auto look = look_at(unproven_units(plan, *actual_, *ledger_), true, *plugins_.target, calls);
        report.not_ready = std::move(look.not_ready);
        keep_back_destroys(report, find_surplus(look.unplaced, *actual_, report), events_);
        tell_not_running(report, units_in_doubt(plan.changes), calls);
        report.result = conclude(report);
        return report;
    });
}

CycleReport Reconciler::validate(const Calls& calls) {
    return reported([&] { return report_of(read_source(calls)); });
}

void Reconciler::forget_actual(const Calls& calls) {
    actual_.reset();
    // Until it is gone for certain.
    snapshot_is_trusted_ = false;
    plugins_.cache->erase(key(snapshot_document), calls.make());
    snapshot_is_trusted_ = true;
}

void Reconciler::try_to_forget_actual(const Calls& calls) {
    try {
        if (identity_) forget_actual(calls);
    } catch (const Error& error) {
        calls.log.warning(error.what());
    }
}

void Reconciler::load_ledger(const Calls& calls) {
    if (ledger_) return;
    identity_ = plugins_.target->identity();
    ledger_ = deployer::load_ledger(*plugins_.cache, *identity_, calls);
}

Plan Reconciler::compare() {
    auto kept = rollouts_of_concern(ledger_->rollouts, *wanted_, orders_);
    ledger_->rollouts = std::move(kept.rollouts);
    auto standing = standing_orders(*ledger_, orders_);
    standing.retried = std::move(kept.retried);
    standing.retried.insert(shaken_.begin(), shaken_.end());
    if (standing.restoring.empty()) return make_plan(*wanted_, *actual_, policy_.plan, standing);
    return make_plan(with_former_contents(*wanted_, *actual_, *ledger_), *actual_, policy_.plan, standing);
}

void Reconciler::load_actual(const Calls& calls) {
    const bool resync = resync_is_due();
    if (!resync && (actual_ || (snapshot_is_trusted_ && load_snapshot(calls)))) return;
    list_target(calls);
    is_listed_for_drift_ = resync;
}

bool Reconciler::resync_is_due() const {
    if (!actual_ || std::chrono::steady_clock::now() - listed_at_ < policy_.resync_interval) return false;
    // While something is owed, a comparison mends what it finds, which `report` is not to do.
    return policy_.drift == Drift::heal || (policy_.drift == Drift::report && !owed());
}

bool Reconciler::load_snapshot(const Calls& calls) {
    const auto document = plugins_.cache->load(key(snapshot_document), calls.make());
    if (!document) return false;
    actual_ = read_snapshot(*document, *identity_);
    if (!actual_) {
        calls.log.warning("the cached snapshot of the cluster is not usable, so the cluster is listed again");
        return false;
    }
    // How old it is, nobody knows: a look for drift counts from now.
    listed_at_ = std::chrono::steady_clock::now();
    is_settled_ = true;
    resting_units_.note_listing();
    return true;
}

void Reconciler::list_target(const Calls& calls) {
    actual_ = actual_from(plugins_.target->list(calls.make()));
    listed_at_ = std::chrono::steady_clock::now();
    is_settled_ = false;
    resting_units_.note_listing();
    is_listed_for_drift_ = false;
    events_.publish(TargetListed{actual_->units.size()});
}

void Reconciler::settle(const Calls& calls) {
    if (is_settled_) return;
    plugins_.cache->store(key(snapshot_document), write_snapshot(*actual_, *identity_), calls.make());
    snapshot_is_trusted_ = true;
    is_settled_ = true;
}

bool Reconciler::owed() const {
    return ledger_->applied.empty() || ledger_->attempted != ledger_->applied ||
           ledger_->fingerprint != policy_.fingerprint || (wanted_ && wanted_->revision != ledger_->applied);
}

Revision Reconciler::known_revision() const {
    if (wanted_ && !may_pass(*wanted_)) return wanted_->revision;
    // Without the wanted state at hand, there has to be something to compare a fresh listing with.
    return is_settled_ && !owed() ? ledger_->applied : Revision{};
}

bool Reconciler::load_wanted(const Calls& calls) {
    const auto checkout = plugins_.source->checkout(known_revision(), calls.make());
    if (!checkout) return wanted_ && (!is_settled_ || owed());
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
    const auto before = unproven_before(*ledger_, *actual_);
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
    auto groups = make_verify_groups(plan, *actual_, ledger_->unproven);
    const auto changing = make_rollout_groups(plan, policy_.rollout);
    const auto before = *actual_;
    const bool changes = !changing.empty() || has_planned(report);
    if (changes) store_ledger(book_attempt(*ledger_, plan, *wanted_, attempts_of(changing)), calls);
    // Also a unit that is only started once more is at rest for a while.
    if (changes || may_restart(groups)) forget_actual(calls);
    if (changes) events_.publish(RolloutStarting{plan});
    groups.insert(groups.end(), changing.begin(), changing.end());
    Rollout rollout({*plugins_.target, plugins_.health.get(), policy_.rollout, calls, events_, wait_starts_,
                     [&](const GroupOutcome& verdict) { store_verdict(verdict, calls); }},
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
    std::move(end.not_ready.begin(), end.not_ready.end(), std::back_inserter(report.not_ready));
    note_outage(end);
    auto error = std::move(end.error);
    if (!error) {
        error = carry_out_destroys(plan, find_surplus(end.unplaced, before, report), report,
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
        return load_orders(*plugins_.cache, *identity_, calls);
    };
    const WatchTools tools{*plugins_.source, read_orders, policy_.interval, calls};
    if (const auto why = watch_for_newer({plan, *wanted_, orders_}, tools, finished)) rollout.supersede(*why);
}

void Reconciler::note_outage(const RolloutEnd& end) {
    if (!end.error) {
        shaken_ = end.shaken;
    } else if (end.error->kind() == ErrorKind::unavailable) {
        wait_starts_.clear();
        for (const auto& unit : ledger_->unproven) shaken_.emplace(service_name(unit));
    }
}

std::vector<DeployedUnit> Reconciler::units_in_doubt(const std::vector<Change>& changes) const {
    return resting_units_.in_doubt({*actual_, wanted_ ? &*wanted_ : nullptr, *ledger_}, changes);
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
    // What was not written down counts as not happened: the worst is that a cycle compares once more.
    plugins_.cache->store(key(ledger_document), write_ledger(ledger), Calls{{}, calls.log, calls.timeout}.make());
    ledger_ = std::move(ledger);
}

std::string Reconciler::key(std::string_view document) const {
    return document_key(document, *identity_);
}

}  // namespace deployer
