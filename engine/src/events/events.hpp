#pragma once

#include "events/report.hpp"

#include <deployer/revision.hpp>

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace deployer {

struct TargetListed {
    std::size_t units;
};
/// The wanted state was read afresh.
struct WantedRead {
    Revision revision;
    std::size_t units;
    std::vector<Held> held;
    std::vector<std::string> warnings;
};
/// Changes are about to be made: no unit has been touched yet.
struct RolloutStarting {
    const Plan& plan;
};
struct ChangeStarted {
    const Change& change;
};
/// The target has it, and it is waited for until it is ready.
struct ChangeMade {
    const Change& change;
};
/// A rollout waits for a unit to become ready (R42); once for each answer of the target that reads differently.
struct WaitingForReady {
    std::string unit;
    std::string detail;
};
struct ChangeEnded {
    const ChangeResult& result;
};
/// A change that was made and put back to what was before, since its group was not ready in time (R43).
struct ChangeUndone {
    const ChangeResult& result;
};
/// A group has ended with an outcome that its changes alone do not tell.
struct GroupEnded {
    const GroupOutcome& outcome;
};
/// Units that differ from what is applied, found by looking again, and left (`drift: report`).
struct DriftFound {
    const Plan& plan;
};
/// `idle`: nothing had moved, nothing was compared.
struct CycleEnded {
    const CycleReport& report;
    bool idle;
};

using Event = std::variant<TargetListed, WantedRead, RolloutStarting, ChangeStarted, ChangeMade, WaitingForReady,
                           ChangeEnded, ChangeUndone, GroupEnded, DriftFound, CycleEnded>;

/// The one stream of what happens. Subscribers are told in the order in which they came, one event at a time, on the
/// thread where it happened; references in an event are good during the call. Subscribe before the first event.
class EventStream {
public:
    void subscribe(std::function<void(const Event&)> subscriber) { subscribers_.push_back(std::move(subscriber)); }

    /// Passes on what a subscriber throws.
    void publish(const Event& event) {
        const std::lock_guard lock(mutex_);
        for (const auto& subscriber : subscribers_) subscriber(event);
    }

private:
    std::mutex mutex_;
    std::vector<std::function<void(const Event&)>> subscribers_;
};

}  // namespace deployer
