#include "reconciler.hpp"

#include "quantity.hpp"

#include <deployer/unit_name.hpp>

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>
#include <Poco/Timestamp.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <set>
#include <utility>

namespace deployer {
namespace {

constexpr std::string_view snapshot_document = "snapshot";
constexpr std::string_view ledger_document = "ledger";

CycleReport failed_report(const Error& error) {
    CycleReport report;
    report.result = CycleResult::failed;
    report.error = error;
    return report;
}

/// Trouble after which what is known of the target may be wrong (R32).
bool says_out_of_reach(const Error& error) {
    return error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::internal;
}

/// What can be tried again by reading the same revision once more.
bool may_pass(const WantedState& wanted) {
    return std::any_of(wanted.held.begin(), wanted.held.end(), [](const auto& held) { return held.passing; });
}

std::size_t count_unfinished(const CycleReport& report) {
    return static_cast<std::size_t>(std::count_if(report.changes.begin(), report.changes.end(), [](const auto& result) {
        return !is_destroy(result.change.kind) && result.status != ChangeStatus::done;
    }));
}

void skip_destroys(CycleReport& report, const std::string& why) {
    for (auto& result : report.changes) {
        if (!is_destroy(result.change.kind) || result.status != ChangeStatus::planned) continue;
        result.status = ChangeStatus::skipped;
        result.error = "not begun: " + why;
    }
}

}  // namespace

Reconciler::Reconciler(Plugins plugins, ReconcilePolicy policy, EventStream& events)
    : plugins_(std::move(plugins)), policy_(std::move(policy)), events_(events) {}

CycleReport Reconciler::run_cycle(const Calls& calls) {
    auto report = [&] {
        try {
            return reconcile(calls);
        } catch (const Error& error) {
            return failed_report(error);
        } catch (const std::exception& exception) {
            return failed_report(Error(ErrorKind::internal, exception.what()));
        }
    }();
    if (report.error && says_out_of_reach(*report.error)) clear_cache(calls);
    events_.publish(CycleEnded{report, idle_});
    return report;
}

void Reconciler::clear_cache(const Calls& calls) {
    try {
        forget_actual(calls);
    } catch (const Error& error) {
        calls.log.warning(error.what());
    }
}

CycleReport Reconciler::reconcile(const Calls& calls) {
    idle_ = false;
    load_ledger(calls);
    const auto listing = load_actual(calls);
    idle_ = !load_wanted(calls, listing);
    if (idle_) return idle_report();
    const auto plan = make_plan(*wanted_, *actual_, policy_.plan);
    const bool only_look = listing == Listing::fresh_for_drift && !owed() && policy_.drift == Drift::report;
    return only_look ? report_drift(plan) : carry_out(plan, calls);
}

CycleReport Reconciler::preview(const Calls& calls) {
    try {
        identity_ = plugins_.target->identity();
        if (!load_snapshot(calls)) list_target(calls);
        const auto checkout = plugins_.source->checkout({}, calls.make());
        const auto wanted = read_wanted(*checkout, calls.make());
        const auto plan = make_plan(wanted, *actual_, policy_.plan);
        auto report = report_of(plan, wanted.warnings);
        if (!plan.destroy_obstacle.empty()) skip_destroys(report, plan.destroy_obstacle);
        report.result = conclude(report);
        return report;
    } catch (const Error& error) {
        return failed_report(error);
    }
}

CycleReport Reconciler::validate(const Calls& calls) {
    try {
        const auto checkout = plugins_.source->checkout({}, calls.make());
        const auto wanted = read_wanted(*checkout, calls.make());
        CycleReport report;
        report.revision = wanted.revision;
        report.held = wanted.held;
        report.warnings = wanted.warnings;
        report.notes.push_back(quantity(wanted.units.size(), "unit") + " wanted");
        report.result = conclude(report);
        return report;
    } catch (const Error& error) {
        return failed_report(error);
    }
}

void Reconciler::forget_actual(const Calls& calls) {
    actual_.reset();
    identity_ = plugins_.target->identity();
    plugins_.cache->erase(key(snapshot_document), calls.make());
}

void Reconciler::load_ledger(const Calls& calls) {
    if (ledger_) return;
    identity_ = plugins_.target->identity();
    const auto document = plugins_.cache->load(key(ledger_document), calls.make());
    ledger_ = document ? read_ledger(*document).value_or(Ledger{}) : Ledger{};
}

Reconciler::Listing Reconciler::load_actual(const Calls& calls) {
    const auto now = std::chrono::steady_clock::now();
    const bool resync =
        policy_.drift != Drift::ignore && actual_.has_value() && now - listed_at_ >= policy_.resync_interval;
    if (!resync && (actual_ || (snapshot_is_trusted_ && load_snapshot(calls)))) return Listing::cached;
    list_target(calls);
    snapshot_is_trusted_ = true;
    plugins_.cache->store(key(snapshot_document), write_snapshot(*actual_, *identity_), calls.make());
    return resync ? Listing::fresh_for_drift : Listing::fresh;
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
    return true;
}

void Reconciler::list_target(const Calls& calls) {
    actual_ = actual_from(plugins_.target->list(calls.make()));
    listed_at_ = std::chrono::steady_clock::now();
    events_.publish(TargetListed{actual_->units.size()});
}

bool Reconciler::owed() const {
    return ledger_->applied.empty() || ledger_->attempted != ledger_->applied ||
           ledger_->fingerprint != policy_.fingerprint || (wanted_ && wanted_->revision != ledger_->applied);
}

Revision Reconciler::known_revision(Listing listing) const {
    if (wanted_ && !may_pass(*wanted_)) return wanted_->revision;
    // Without the wanted state at hand, there has to be something to compare with a fresh listing.
    return listing == Listing::cached && !owed() ? ledger_->applied : Revision{};
}

bool Reconciler::load_wanted(const Calls& calls, Listing listing) {
    const auto checkout = plugins_.source->checkout(known_revision(listing), calls.make());
    if (!checkout) return wanted_ && (listing != Listing::cached || owed());
    wanted_ = read_wanted(*checkout, calls.make());
    events_.publish(WantedRead{wanted_->revision, wanted_->units.size(), wanted_->held, wanted_->warnings});
    return true;
}

CycleReport Reconciler::idle_report() const {
    CycleReport report;
    report.revision = ledger_->applied;
    report.left = ledger_->left;
    if (report.left.max_destroy > 0) {
        report.notes.push_back("stopped all " + quantity(report.left.max_destroy, "destroy") +
                               ", more than reconcile.max_destroy: to allow them, set it to " +
                               std::to_string(report.left.max_destroy) + " or more");
    }
    report.result = conclude(report);
    return report;
}

CycleReport Reconciler::report_drift(const Plan& plan) {
    if (plan.changes.empty()) return report_of(plan, wanted_->warnings);
    events_.publish(DriftFound{plan});
    auto report = report_of(plan, wanted_->warnings);
    report.result = CycleResult::degraded;
    return report;
}

CycleReport Reconciler::carry_out(const Plan& plan, const Calls& calls) {
    auto report = report_of(plan, wanted_->warnings);
    if (!plan.changes.empty()) {
        book_attempt(plan.revision, calls);
        forget_actual(calls);
        events_.publish(RolloutStarting{plan});
        Rollout rollout(*plugins_.target, policy_.rollout, calls, events_, report.changes);
        report.error = rollout.run(make_rollout_chains(plan, policy_.rollout.on_timeout));
        if (!report.error) report.error = carry_out_destroys(plan, rollout, report, calls);
        skip_destroys(report, "the cycle ended early");
    }
    report.result = conclude(report);
    try {
        book(report, calls);
    } catch (const Error& error) {
        if (!report.error) report.error = error;
        report.result = CycleResult::failed;
    }
    return report;
}

std::optional<Error> Reconciler::carry_out_destroys(const Plan& plan, Rollout& rollout, CycleReport& report,
                                                    const Calls& calls) {
    if (std::none_of(plan.changes.begin(), plan.changes.end(), [](const auto& c) { return is_destroy(c.kind); })) {
        return std::nullopt;
    }
    if (const auto unfinished = count_unfinished(report); unfinished > 0) {
        skip_destroys(report, quantity(unfinished, "change") + " of this cycle did not end well");
        return std::nullopt;
    }
    if (!plan.destroy_obstacle.empty()) {
        skip_destroys(report, plan.destroy_obstacle);
        return std::nullopt;
    }
    try {
        dispute(report, calls);
    } catch (const Error& error) {
        return error.while_doing("cannot make sure that nothing to be destroyed is wanted again");
    }
    for (const auto kind : {ChangeKind::remove_node, ChangeKind::destroy_group}) {
        auto chains = make_destroy_chains(plan, kind);
        for (auto& chain : chains) {
            std::erase_if(chain.steps, [&](const auto& step) {
                return report.changes[step.changes.front()].status != ChangeStatus::planned;
            });
        }
        if (auto error = rollout.run(chains)) return error;
    }
    return std::nullopt;
}

void Reconciler::dispute(CycleReport& report, const Calls& calls) {
    const auto checkout = plugins_.source->checkout(wanted_->revision, calls.make());
    if (!checkout) return;
    const auto second = read_wanted(*checkout, calls.make());
    std::set<std::string_view> wanted;
    std::set<std::string_view> held;
    for (const auto& unit : second.units) wanted.insert(unit.name);
    for (const auto& entry : second.held) held.insert(entry.service);
    for (auto& result : report.changes) {
        const auto& change = result.change;
        if (!is_destroy(change.kind)) continue;
        if (wanted.count(change.unit) == 0 && held.count(change.service) == 0 && held.count("") == 0) continue;
        result.status = ChangeStatus::skipped;
        result.error = "disputed: wanted again at " + second.revision.id;
        ++report.left.disputed;
    }
}

void Reconciler::book_attempt(const Revision& revision, const Calls& calls) {
    auto ledger = *ledger_;
    ledger.attempted = revision;
    // Differences were found: if this revision was applied once, it no longer is.
    if (ledger.applied == revision) ledger.applied = {};
    store_ledger(std::move(ledger), calls);
}

void Reconciler::book(const CycleReport& report, const Calls& calls) {
    auto ledger = *ledger_;
    ledger.attempted = report.revision;
    const bool ended_well = report.result == CycleResult::in_sync || report.result == CycleResult::applied;
    // Destroys that the limit stopped will be stopped again until the source or the configuration changes.
    const bool only_limited = report.held.empty() && report.left.disputed == 0 && !report.error &&
                              std::all_of(report.changes.begin(), report.changes.end(),
                                          [](const auto& result) { return result.status == ChangeStatus::done; });
    if (ended_well || only_limited) {
        ledger.applied = report.revision;
        ledger.fingerprint = policy_.fingerprint;
        ledger.left = report.left;
    } else if (ledger.applied == report.revision) {
        ledger.applied = {};
    }
    if (!report.changes.empty()) {
        const auto now = Poco::DateTimeFormatter::format(Poco::Timestamp(), Poco::DateTimeFormat::ISO8601_FORMAT);
        ledger.add({now, report.revision, std::string(to_string(report.result)), summarise(report)});
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
    Poco::SHA1Engine engine;
    engine.update(*identity_);
    return std::string(document) + '-' + Poco::DigestEngine::digestToHex(engine.digest());
}

}  // namespace deployer
