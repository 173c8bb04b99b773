#include "event_log.hpp"

#include "quantity.hpp"

#include <string>
#include <vector>

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
            const auto service = held.service.empty() ? std::string("an unnamed service") : held.service;
            log_->error(service + " is held as it is: " + held.error);
        }
    }

    void operator()(const RolloutStarting& event) {
        log_->info(quantity(event.plan.changes.size(), "change") + " to make for revision " + event.plan.revision.id);
    }

    void operator()(const ChangeStarted& event) {
        log_->debug(std::string(action_of(event.change.kind)) + ' ' + event.change.unit + " begins");
    }

    void operator()(const WaitingForReady& event) {
        log_->info("waiting until " + event.unit + " is ready: " + event.detail);
    }

    void operator()(const ChangeEnded& event) {
        const auto& [change, status, error] = event.result;
        const auto what = std::string(action_of(change.kind)) + ' ' + change.unit;
        if (status == ChangeStatus::done) {
            log_->info(what + " (" + change.reason + ')');
        } else if (status == ChangeStatus::failed) {
            log_->error(what + " failed: " + error);
        } else {
            log_->warning(what + ' ' + error);
        }
    }

    void operator()(const DriftFound& event) {
        for (const auto& change : event.plan.changes) {
            log_->warning(change.unit + " has drifted, drift is only reported: " + change.reason);
        }
    }

    void operator()(const CycleEnded& event) {
        const auto& report = event.report;
        tell_news(report.notes);
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
    /// What is left alone stays so cycle after cycle: it is said once.
    void tell_news(const std::vector<std::string>& notes) {
        if (notes == notes_) return;
        for (const auto& note : notes) log_->warning(note);
        notes_ = notes;
    }

    Log* log_;
    std::vector<std::string> notes_;
};

}  // namespace

void log_events(EventStream& events, Log& log) {
    events.subscribe([subscriber = EventLog(log)](const Event& event) mutable { std::visit(subscriber, event); });
}

}  // namespace deployer
