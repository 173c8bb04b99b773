#include "events/event_log.hpp"

#include "text/quantity.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace deployer {
namespace {

/// Turns each event into at most a few lines.
class EventLog {
public:
    explicit EventLog(Log& log) : log_(&log) {}

    void operator()(const TargetListed& event) { log_->debug("the cluster has " + quantity(event.units, "unit")); }

    void operator()(const WantedRead& event) {
        log_->info("revision " + event.revision.id + " wants " + quantity(event.units, "unit"));
        for (const auto& warning : event.warnings) log_->warning(warning);
        for (const auto& held : event.held) {
            const bool is_known = !held.service.empty();
            log_->error(
                (is_known ? held.service + " is held and stays as it is: " : "the list of services is in doubt: ") +
                held.error);
        }
    }

    void operator()(const RolloutStarting& event) {
        if (event.plan.changes.empty()) return;
        log_->info(quantity(event.plan.changes.size(), "change") + " to make for revision " + event.plan.revision.id);
    }

    void operator()(const ChangeStarted& event) {
        log_->debug(std::string(action_of(event.change.kind)) + ' ' + event.change.unit + " begins");
    }

    void operator()(const ChangeMade& event) {
        made_.insert(event.change.unit);
        log_->info(describe(event.change));
    }

    void operator()(const WaitingForReady& event) {
        tell_news(LogLevel::info, "waiting until " + event.unit + " is ready: " + event.detail);
    }

    void operator()(const ChangeEnded& event) {
        const auto& [change, status, error, is_made] = event.result;
        const auto what = std::string(action_of(change.kind)) + ' ' + change.unit;
        const bool was_told = made_.erase(change.unit) > 0;
        if (status == ChangeStatus::done) {
            log_->info(was_told ? change.unit + " is ready" : describe(change));
        } else if (status == ChangeStatus::failed) {
            if (!tell_news(LogLevel::error, what + " failed: " + error)) ++failed_again_;
        } else if (status == ChangeStatus::superseded) {
            log_->info(change.unit + ' ' + error);
        } else {
            tell_left(what, error);
        }
    }

    void operator()(const ChangeUndone& event) {
        log_->warning(event.result.change.unit + " was put back to what it was before: " + event.result.error);
    }

    void operator()(const GroupEnded& event) {
        const auto& [service, outcome, detail] = event.outcome;
        if (outcome == Outcome::superseded) {
            log_->info(service + ": " + detail);
        } else {
            tell_news(LogLevel::error,
                      service + " is " + std::string(to_string(outcome)) + (detail.empty() ? "" : ": " + detail));
        }
    }

    void operator()(const DriftFound& event) {
        for (const auto& change : event.plan.changes) {
            log_->warning(change.unit +
                          " differs from the wanted state, and stays so with drift: report: " + change.reason);
        }
    }

    void operator()(const CycleEnded& event) {
        const auto& report = event.report;
        for (const auto& entry : report.not_ready) tell_news(LogLevel::warning, entry.text());
        for (const auto& note : report.notes) tell_news(LogLevel::warning, note);
        tell_folded();
        told_before_ = std::exchange(told_, {});
        if (report.error && report.error->kind() == ErrorKind::cancelled) {
            log_->info("the cycle was ended early: " + std::string(report.error->what()));
        } else if (report.error) {
            log_->error(report.error->what());
        } else {
            const bool quiet = event.idle || report.changes.empty();
            log_->write(quiet ? LogLevel::debug : LogLevel::info,
                        "cycle ended, " + std::string(to_string(report.result)) + ": " + summarise(report));
        }
    }

private:
    static std::string describe(const Change& change) {
        return std::string(action_of(change.kind)) + ' ' + change.unit + " (" + change.reason + ')';
    }

    /// Writes a line unless the last cycle wrote the same: a state that lasts is logged once. False: nothing was
    /// written.
    bool tell_news(LogLevel level, const std::string& line) {
        const bool is_news = !told_before_.contains(line);
        if (is_news) log_->write(level, line);
        told_.insert(line);
        return is_news;
    }

    /// Logs the first few units that are left alone for one reason, and counts the others.
    void tell_left(const std::string& what, const std::string& reason) {
        constexpr std::size_t named = 3;
        const auto line = what + ' ' + reason;
        told_.insert(line);
        if (told_before_.contains(line)) return;
        if (++left_[reason] <= named) return log_->warning(line);
        ++folded_[reason];
    }

    void tell_folded() {
        for (const auto& [reason, count] : std::exchange(folded_, {})) {
            log_->warning("and " + quantity(count, "more change") + " for the same reason: " + reason);
        }
        left_.clear();
        if (failed_again_ == 0) return;
        log_->error(quantity(std::exchange(failed_again_, 0), "change") +
                    " failed with the same error as in the cycle before");
    }

    Log* log_;
    std::set<std::string> made_;                 ///< units whose change was logged as made, and whose readiness was not
    std::set<std::string> told_before_;          ///< lines of the last cycle that may be logged once
    std::set<std::string> told_;                 ///< the same, of this cycle
    std::map<std::string, std::size_t> left_;    ///< units left alone in this cycle, by reason
    std::map<std::string, std::size_t> folded_;  ///< the units of `left_` that were not named
    std::size_t failed_again_ = 0;               ///< changes that failed in this cycle as in the last one
};

}  // namespace

void log_events(EventStream& events, Log& log) {
    events.subscribe([subscriber = EventLog(log)](const Event& event) mutable { std::visit(subscriber, event); });
}

}  // namespace deployer
