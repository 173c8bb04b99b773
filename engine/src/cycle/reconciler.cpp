#include "cycle/reconciler.hpp"

#include "cycle/surplus.hpp"
#include "memory/documents.hpp"
#include "memory/records.hpp"
#include "memory/standing_orders.hpp"
#include "text/quantity.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace deployer {
namespace {

/// A source that sees changes all the time is not asked more often than this.
constexpr std::chrono::milliseconds least_pause{100};

/// Trouble after which what is known of the target may be wrong (R32).
bool says_out_of_reach(const Error& error) {
    return error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::internal;
}

/// What can be tried again by reading the same revision once more.
bool may_pass(const WantedState& wanted) {
    return std::any_of(wanted.held.begin(), wanted.held.end(), [](const auto& held) { return held.passing; });
}

std::size_t count_unfinished(const CycleReport& report, const std::set<std::string>& but = {}) {
    return static_cast<std::size_t>(
        std::count_if(report.changes.begin(), report.changes.end(), [&](const auto& result) {
            return !is_destroy(result.change.kind) && result.status != ChangeStatus::done &&
                   !but.contains(result.change.unit);
        }));
}

/// What is not known to be ready after a cycle: what it could not look at, did not see ready, or did not bring through.
/// What was put back was seen ready as it was, and what was skipped is what it was `before`.
std::set<std::string> unproven_by(const CycleReport& report, const std::vector<std::string>& before) {
    std::set<std::string> unproven;
    for (const auto& entry : report.not_ready) {
        if (entry.was_changed) unproven.insert(entry.unit);
    }
    for (const auto& result : report.changes) {
        const auto& unit = result.change.unit;
        const bool well = result.status == ChangeStatus::done || result.status == ChangeStatus::rolled_back;
        const bool untouched =
            result.status == ChangeStatus::skipped && !std::binary_search(before.begin(), before.end(), unit);
        if (!is_destroy(result.change.kind) && !well && !untouched) unproven.insert(unit);
    }
    return unproven;
}

/// Groups of which nothing more is to be told end as their changes did.
void conclude_groups(CycleReport& report) {
    std::map<std::string, GroupOutcome> outcomes;
    for (const auto& result : report.changes) {
        auto& group = outcomes[result.change.service];
        group.service = result.change.service;
        if (result.status == ChangeStatus::done) continue;
        group.outcome = Outcome::degraded;
        if (group.detail.empty() && result.status == ChangeStatus::failed) {
            group.detail = result.change.unit + ": " + result.error;
        }
    }
    for (const auto& group : report.groups) outcomes.erase(group.service);
    for (auto& [service, group] : outcomes) set_outcome(report, std::move(group));
}

bool same_units(const WantedState& left, const WantedState& right) {
    return std::equal(left.units.begin(), left.units.end(), right.units.begin(), right.units.end(),
                      [](const auto& one, const auto& other) {
                          return one.name == other.name && one.content->digest == other.content->digest &&
                                 one.desired_state == other.desired_state;
                      });
}

std::vector<NotReady> not_running_in(const CycleReport& report) {
    std::vector<NotReady> units;
    std::copy_if(report.not_ready.begin(), report.not_ready.end(), std::back_inserter(units),
                 [](const auto& entry) { return !entry.was_changed; });
    return units;
}

/// More than the destroys that the limit stopped, which are told elsewhere.
bool is_trouble(const GroupOutcome& group) {
    return group.outcome > Outcome::paused;
}

/// Of a quarantined service: all of it is as it is to be. It only took longer.
bool has_come_through(const std::string& service, const Plan& plan) {
    return std::any_of(plan.standing.begin(), plan.standing.end(), [&](const auto& still) {
        return still.service == service && still.outcome == Outcome::quarantined && still.changes == 0;
    });
}

/// Of a service that is rolled out: nothing of it is left to do.
bool is_through(const std::string& service, const CycleReport& report) {
    return std::all_of(report.changes.begin(), report.changes.end(), [&](const auto& result) {
        return result.change.service != service || is_destroy(result.change.kind) ||
               result.status == ChangeStatus::done;
    });
}

/// Nothing of the service happens now, so nothing of what is known of it is over. A list in doubt may still want what
/// it does not name; what it names is rolled out as ever.
bool is_left_alone(std::string_view service, const Plan& plan, const ServiceSet& wanted) {
    const bool may_be_wanted = !wanted.contains(service);
    return std::any_of(plan.standing.begin(), plan.standing.end(),
                       [&](const auto& still) { return still.service.empty() || still.service == service; }) ||
           std::any_of(plan.held.begin(), plan.held.end(), [&](const auto& held) {
               return held.service == service || (may_be_wanted && held.may_mean(service));
           });
}

std::vector<std::string> missing_units(const std::vector<std::string>& units, const ActualState& actual) {
    std::vector<std::string> missing;
    std::copy_if(units.begin(), units.end(), std::back_inserter(missing), [&](const auto& name) {
        return std::none_of(actual.units.begin(), actual.units.end(),
                            [&](const auto& unit) { return unit.name == name; });
    });
    return missing;
}

bool wants_the_same(const WantedState& left, const WantedState& right) {
    return same_units(left, right) && left.rules == right.rules && left.held == right.held;
}

/// What a whole pause leaves is one entry; whether anything is left for it decides about what is owed.
bool leaves_changes(const Plan& plan) {
    return std::any_of(plan.standing.begin(), plan.standing.end(), [](const auto& still) { return still.changes > 0; });
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
    : plugins_(std::move(plugins)), policy_(std::move(policy)), events_(events) {}

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
        return idle_report();
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
        auto report = propose(plan);
        std::set<std::string> unplaced;
        report.not_ready = look_at_unproven(plan, unplaced, calls);
        keep_back_destroys(report, find_surplus(unplaced, *actual_, report));
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

void Reconciler::forget_actual_once(const Calls& calls) {
    const std::lock_guard lock(cache_turn_);
    if (actual_) forget_actual(calls);
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
    is_unlooked_ = true;
    return true;
}

void Reconciler::list_target(const Calls& calls) {
    actual_ = actual_from(plugins_.target->list(calls.make()));
    listed_at_ = std::chrono::steady_clock::now();
    is_settled_ = false;
    is_unlooked_ = true;
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

CycleReport Reconciler::idle_report() const {
    CycleReport report;
    report.revision = ledger_->applied;
    report.left = ledger_->left;
    report.notes = ledger_->notes;
    report.not_ready = ledger_->not_running;
    for (const auto& still : standing_orders(*ledger_, orders_).still) {
        set_outcome(report, {still.service, still.outcome, still.reason});
    }
    report.result = conclude(report);
    return report;
}

CycleReport Reconciler::report_drift(const Plan& plan, const Calls& calls) {
    auto report = report_of(plan, *wanted_);
    tell_not_running(report, units_in_doubt(plan.changes), calls);
    note_not_running(report, calls);
    report.result = conclude(report);
    if (plan.changes.empty()) return report;
    events_.publish(DriftFound{plan});
    report.result = Outcome::degraded;
    return report;
}

CycleReport Reconciler::propose(const Plan& plan) {
    auto report = report_of(plan, *wanted_);
    for (const auto& record : ledger_->rollouts) {
        const auto& quarantine = record.quarantine;
        if (!quarantine || quarantine->outcome != Outcome::rolled_back) continue;
        const auto standing = std::find_if(report.groups.begin(), report.groups.end(),
                                           [&](const auto& group) { return group.service == record.service; });
        const auto paused = standing == report.groups.end() ? std::string() : "; also paused: " + standing->detail;
        set_outcome(report, {record.service, Outcome::quarantined,
                             describe(record) + paused + "; " + advice_for(record.service)});
    }
    if (!plan.destroy_obstacle.empty()) skip_destroys(report, plan.destroy_obstacle);
    report.result = conclude(report);
    return report;
}

CycleReport Reconciler::carry_out(const Plan& plan, const Calls& calls) {
    auto report = propose(plan);
    const auto unproven_before = ledger_->unproven;
    const auto missing = missing_units(unproven_before, *actual_);
    const auto in_doubt = units_in_doubt(plan.changes);
    report.error = roll_out(plan, report, calls);
    if (!report.error) tell_not_running(report, in_doubt, calls);
    conclude_groups(report);
    report.result = conclude(report);
    try {
        book(plan, report, unproven_before, missing, calls);
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
    if (changes) {
        book_attempt(plan, changing, calls);
        forget_actual(calls);
        events_.publish(RolloutStarting{plan});
    }
    groups.insert(groups.end(), changing.begin(), changing.end());
    Rollout rollout(
        {*plugins_.target, plugins_.health.get(), policy_.rollout, calls, events_, wait_starts_,
         [&](const GroupOutcome& verdict) { book_verdict(verdict, calls); }, [&] { forget_actual_once(calls); }},
        report.changes);
    auto end = rollout.run(groups, [&](const std::stop_token& finished) {
        if (changes) look_for_newer(plan, rollout, finished, calls);
    });
    for (auto& group : end.groups) {
        const auto* const record = ledger_->find_rollout(group.service);
        if (group.detail.empty() && record != nullptr && record->quarantine) group.detail = describe(*record);
        set_outcome(report, std::move(group));
    }
    report.overtaken = end.overtaken;
    for (auto& entry : end.not_ready) {
        // A sidekick that an earlier cycle changed is not proven by a gate that was passed without it.
        entry.was_changed = entry.was_changed || ledger_->is_unproven(entry.unit);
        report.not_ready.push_back(std::move(entry));
    }
    note_outage(end);
    auto error = std::move(end.error);
    if (!error) error = carry_out_destroys(plan, find_surplus(end.unplaced, before, report), rollout, report, calls);
    skip_destroys(report, "the cycle ended early");
    if (!error && calls.stop.stop_requested() && count_unfinished(report) > 0) {
        error = Error(ErrorKind::cancelled, "the deployer was asked to stop");
    }
    return error;
}

void Reconciler::look_for_newer(const Plan& plan, Rollout& rollout, const std::stop_token& finished,
                                const Calls& calls) {
    std::stop_source either;
    const std::stop_callback on_finished(finished, [&] { either.request_stop(); });
    const std::stop_callback on_stop(calls.stop, [&] { either.request_stop(); });
    const Calls watching{either.get_token(), calls.log, policy_.interval};
    auto known = wanted_->revision;
    while (watching.make().wait(std::min(least_pause, policy_.interval / 2))) {
        try {
            plugins_.source->wait_for_change(watching.make());
            if (either.stop_requested()) return;
            if (pauses_more(plan, calls)) return rollout.supersede("superseded by a pause");
            const auto newer = newer_than(known, {either.get_token(), calls.log, calls.timeout});
            if (newer.empty()) continue;
            rollout.supersede("superseded by revision " + newer.id);
            return;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) return;
            // What is under way is fine as it is; the next cycle tells if this lasts.
            calls.log.debug("cannot look for a newer revision: " + std::string(error.what()));
            if (!watching.make().wait(policy_.interval / 2)) return;
        }
    }
}

bool Reconciler::pauses_more(const Plan& plan, const Calls& calls) {
    const std::lock_guard lock(cache_turn_);
    const auto now = load_orders(*plugins_.cache, *identity_, calls);
    const auto concerns_it = [&](const std::string& service) {
        const auto is_of_it = [&](const auto& part) { return part.service == service; };
        return service.empty() || std::any_of(plan.changes.begin(), plan.changes.end(), is_of_it) ||
               std::any_of(plan.gated.begin(), plan.gated.end(), is_of_it);
    };
    return std::any_of(now.paused.begin(), now.paused.end(), [&](const auto& entry) {
        return !orders_.paused.contains(entry.first) && concerns_it(entry.first);
    });
}

Revision Reconciler::newer_than(Revision& known, const Calls& calls) {
    const auto checkout = plugins_.source->checkout(known, calls.make());
    if (!checkout) return {};
    const auto newer = read_wanted(*checkout, calls.make());
    known = newer.revision;
    return wants_the_same(newer, *wanted_) ? Revision{} : newer.revision;
}

void Reconciler::note_outage(const RolloutEnd& end) {
    if (!end.error) {
        shaken_ = end.shaken;
    } else if (end.error->kind() == ErrorKind::unavailable) {
        wait_starts_.clear();
        for (const auto& unit : ledger_->unproven) shaken_.emplace(service_name(unit));
    }
}

std::vector<NotReady> Reconciler::look_at_unproven(const Plan& plan, std::set<std::string>& unplaced,
                                                   const Calls& calls) {
    std::set<std::string_view> changing;
    for (const auto& change : plan.changes) changing.insert(change.unit);
    std::vector<DeployedUnit> units;
    std::copy_if(actual_->units.begin(), actual_->units.end(), std::back_inserter(units),
                 [&](const auto& unit) { return ledger_->is_unproven(unit.name) && !changing.contains(unit.name); });
    return look_at(units, true, &unplaced, calls);
}

std::vector<NotReady> Reconciler::look_at(const std::vector<DeployedUnit>& units, bool were_changed,
                                          std::set<std::string>* unplaced, const Calls& calls) {
    std::vector<NotReady> not_ready;
    for (const auto& unit : units) {
        try {
            const auto status =
                plugins_.target->status({unit.name, unit.content->options, unit.desired_state}, calls.make());
            if (status.readiness != Readiness::ready) not_ready.push_back({unit.name, status.detail, were_changed});
            if (unplaced != nullptr && status.readiness == Readiness::unplaced) unplaced->insert(unit.name);
        } catch (const Error& error) {
            if (!is_about_unit(error)) throw;
            not_ready.push_back({unit.name, error.what(), were_changed});
        }
    }
    return not_ready;
}

std::vector<DeployedUnit> Reconciler::units_in_doubt(const std::vector<Change>& changes) const {
    std::set<std::string_view> names;
    if (is_unlooked_) names.insert(actual_->in_doubt.begin(), actual_->in_doubt.end());
    for (const auto& entry : ledger_->not_running) names.insert(entry.unit);
    if (wanted_ && !names.empty()) {
        std::set<std::string_view> wanted;
        for (const auto& unit : wanted_->units) wanted.insert(unit.name);
        std::erase_if(names, [&](const auto& name) { return !wanted.contains(name); });
    }
    for (const auto& change : changes) names.erase(change.unit);
    std::vector<DeployedUnit> units;
    std::copy_if(actual_->units.begin(), actual_->units.end(), std::back_inserter(units),
                 [&](const auto& unit) { return names.contains(unit.name) && !ledger_->is_unproven(unit.name); });
    return units;
}

bool Reconciler::is_look_at_rest_due() const {
    // What was just changed is on its way.
    if (is_of_last(policy_.rollout.placement_grace, ledger_->changed_at)) return false;
    return is_unlooked_ || !looked_at_rest_at_ ||
           std::chrono::steady_clock::now() - *looked_at_rest_at_ >= policy_.resync_interval;
}

void Reconciler::tell_not_running(CycleReport& report, const std::vector<DeployedUnit>& in_doubt, const Calls& calls) {
    auto not_running = ledger_->not_running;
    if (is_look_at_rest_due()) {
        try {
            not_running = look_at(in_doubt, false, nullptr, calls);
            looked_at_rest_at_ = std::chrono::steady_clock::now();
            is_unlooked_ = false;
        } catch (const Error& error) {
            calls.log.debug("cannot tell whether all units run: " + std::string(error.what()));
        }
    }
    for (auto& entry : not_running) {
        const auto is_it = [&](const auto& unit) { return unit.name == entry.unit; };
        const auto is_told = [&](const auto& other) { return other.unit == entry.unit; };
        if (std::none_of(in_doubt.begin(), in_doubt.end(), is_it)) continue;
        if (std::any_of(report.not_ready.begin(), report.not_ready.end(), is_told)) continue;
        report.not_ready.push_back(std::move(entry));
    }
}

void Reconciler::look_again_at_rest(const Calls& calls) {
    const auto in_doubt = units_in_doubt({});
    if (in_doubt.empty() || !is_look_at_rest_due()) return;
    CycleReport found;
    tell_not_running(found, in_doubt, calls);
    note_not_running(found, calls);
}

void Reconciler::note_not_running(const CycleReport& report, const Calls& calls) {
    auto ledger = *ledger_;
    ledger.not_running = not_running_in(report);
    store_ledger(std::move(ledger), calls);
}

std::optional<Error> Reconciler::carry_out_destroys(const Plan& plan, const std::set<std::string>& surplus,
                                                    Rollout& rollout, CycleReport& report, const Calls& calls) {
    if (!has_planned(report)) return std::nullopt;
    if (const auto unfinished = count_unfinished(report, surplus); unfinished > 0) {
        skip_destroys(report, quantity(unfinished, "change") + " of this cycle did not end well");
    }
    keep_back_destroys(report, surplus);
    if (!has_planned(report)) return std::nullopt;
    try {
        dispute(report, calls);
    } catch (const Error& error) {
        return error.while_doing("cannot make sure that nothing to be destroyed is wanted again");
    }
    for (const auto kind : {ChangeKind::remove_node, ChangeKind::destroy_group}) {
        auto groups = make_destroy_groups(plan, kind);
        for (auto& group : groups) {
            std::erase_if(group.steps, [&](const auto& step) {
                return report.changes[step.changes.front()].status != ChangeStatus::planned;
            });
        }
        if (auto end = rollout.run(groups); end.error) return std::move(end.error);
    }
    return std::nullopt;
}

void Reconciler::keep_back_destroys(CycleReport& report, const std::set<std::string>& surplus) {
    for (const auto& entry : report.not_ready) {
        if (!entry.was_changed || surplus.contains(entry.unit)) continue;
        return skip_destroys(report, entry.unit + ", changed by an earlier cycle, is not ready");
    }
    for (auto& result : report.changes) {
        const auto& change = result.change;
        if (!is_destroy(change.kind) || result.status != ChangeStatus::planned) continue;
        const auto sibling = std::find_if(surplus.begin(), surplus.end(),
                                          [&](const auto& unit) { return service_name(unit) == change.service; });
        if (sibling != surplus.end()) skip(result, "not begun: " + *sibling + " is on no machine");
    }
}

void Reconciler::dispute(CycleReport& report, const Calls& calls) {
    const auto checkout = plugins_.source->checkout(wanted_->revision, calls.make());
    if (!checkout) return;
    const auto second = read_wanted(*checkout, calls.make());
    std::set<std::string_view> wanted;
    for (const auto& unit : second.units) wanted.insert(unit.name);
    const auto is_held = [&](const std::string& service) {
        return std::any_of(second.held.begin(), second.held.end(),
                           [&](const auto& held) { return held.may_mean(service); });
    };
    for (auto& result : report.changes) {
        const auto& change = result.change;
        if (!is_destroy(change.kind)) continue;
        if (wanted.count(change.unit) == 0 && !is_held(change.service)) continue;
        skip(result, "disputed: wanted again at " + second.revision.id);
        ++report.left.disputed;
    }
}

void Reconciler::skip(ChangeResult& result, std::string why) {
    result.status = ChangeStatus::skipped;
    result.error = std::move(why);
    events_.publish(ChangeEnded{result});
}

void Reconciler::skip_destroys(CycleReport& report, const std::string& why) {
    for (auto& result : report.changes) {
        if (is_destroy(result.change.kind) && result.status == ChangeStatus::planned) skip(result, "not begun: " + why);
    }
}

void Reconciler::book_attempt(const Plan& plan, const std::vector<RolloutGroup>& groups, const Calls& calls) {
    auto ledger = *ledger_;
    ledger.attempted = plan.revision;
    // Differences were found: if this revision was applied once, it no longer is.
    if (ledger.applied == plan.revision) ledger.applied = {};
    ledger.forget_made(plan);
    const auto digests = group_digests(*wanted_);
    for (const auto& group : groups) {
        if (group.on_timeout == OnTimeout::rollback || group.is_fresh) {
            const auto digest = digests.find(group.service);
            note_former(ledger, plan, group, digest == digests.end() ? std::string() : digest->second);
        }
        for (const auto& step : group.steps) {
            if (!step.gated) continue;
            for (const auto index : step.changes) ledger.add_unproven(plan.changes[index].unit);
        }
    }
    store_ledger(std::move(ledger), calls);
}

void Reconciler::note_former(Ledger& ledger, const Plan& plan, const RolloutGroup& group,
                             const std::string& digest) const {
    auto& record = ledger.rollout_of(group.service);
    // What was changed and never seen ready is nothing to go back to; of the same rollout nothing is before all is
    // well.
    if (record.digest != digest) {
        std::erase_if(record.former, [&](const auto& unit) { return !ledger_->is_unproven(unit.name); });
    }
    record.digest = digest;
    record.fresh = group.is_fresh;
    for (const auto& step : group.steps) {
        for (const auto index : step.changes) {
            const auto& change = plan.changes[index];
            const bool known = std::any_of(record.former.begin(), record.former.end(),
                                           [&](const auto& unit) { return unit.name == change.unit; });
            if (known || change.former == nullptr) continue;
            record.former.push_back({change.unit, change.former, change.former_state});
        }
    }
}

void Reconciler::book_verdict(const GroupOutcome& verdict, const Calls& calls) {
    const std::lock_guard lock(cache_turn_);
    auto ledger = *ledger_;
    auto& record = ledger.rollout_of(verdict.service);
    record.digest = group_digests(*wanted_)[verdict.service];
    record.quarantine = {timestamp(), verdict.outcome, verdict.detail, make_identity()};
    if (verdict.outcome != Outcome::rolled_back) record.former.clear();
    store_ledger(std::move(ledger), calls);
}

void Reconciler::book(const Plan& plan, const CycleReport& report, const std::vector<std::string>& unproven_before,
                      const std::vector<std::string>& missing, const Calls& calls) {
    auto ledger = *ledger_;
    ledger.attempted = report.revision;
    const auto wanted = services_of(wanted_->units);
    auto unproven = unproven_by(report, unproven_before);
    for (const auto& unit : missing) {
        if (is_left_alone(service_name(unit), plan, wanted)) unproven.insert(unit);
    }
    ledger.keep_unproven(unproven);
    ledger.note_made(plan, report.changes);
    if (std::any_of(report.changes.begin(), report.changes.end(), [](const auto& result) { return result.is_made; }))
        ledger.changed_at = timestamp();
    if (!report.error) ledger.not_running = not_running_in(report);
    std::erase_if(ledger.rollouts, [&](const auto& record) {
        const auto is_of_it = [&](const auto& unit) { return service_name(unit) == record.service; };
        const bool proven = std::none_of(ledger.unproven.begin(), ledger.unproven.end(), is_of_it);
        if (!proven || (!record.quarantine && is_left_alone(record.service, plan, wanted))) return false;
        return record.quarantine ? has_come_through(record.service, plan) : is_through(record.service, report);
    });
    const bool all_proven = std::none_of(report.not_ready.begin(), report.not_ready.end(),
                                         [](const auto& entry) { return entry.was_changed; });
    const bool ended_well = report.result <= Outcome::paused && all_proven && !leaves_changes(plan);
    // Destroys that the limit stopped will be stopped again until the source or the configuration changes, and what the
    // target alters is not given to it again before. A unit that does not run owes nobody a change.
    const bool only_limited = report.held.empty() && all_proven && report.left.disputed == 0 && !report.error &&
                              !leaves_changes(plan) &&
                              std::none_of(report.groups.begin(), report.groups.end(), is_trouble) &&
                              std::all_of(report.changes.begin(), report.changes.end(),
                                          [](const auto& result) { return result.status == ChangeStatus::done; });
    if (ended_well || only_limited) {
        ledger.applied = report.revision;
        ledger.fingerprint = policy_.fingerprint;
        ledger.left = report.left;
        ledger.notes = report.notes;
    } else if (ledger.applied == report.revision) {
        ledger.applied = {};
    }
    if (!report.changes.empty() || !plan.gated.empty()) {
        HistoryEntry entry{timestamp().substr(0, 19) + "Z", report.revision, std::string(to_string(report.result)),
                           summarise(report)};
        std::copy_if(report.groups.begin(), report.groups.end(), std::back_inserter(entry.groups),
                     [](const auto& group) { return group.outcome != Outcome::applied; });
        ledger.add(std::move(entry));
    }
    store_ledger(std::move(ledger), calls);
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
