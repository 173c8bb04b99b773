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
/// A rollout is about to make changes. No unit has been touched yet.
struct RolloutStarting {
    const Plan& plan;
};
struct ChangeStarted {
    const Change& change;
};
/// The target has accepted the change, and the rollout now waits until the unit is ready.
struct ChangeMade {
    const Change& change;
};
/// A rollout waits for a unit to become ready (R42). Published once for each new wording of the target's answer.
struct WaitingForReady {
    std::string unit;
    std::string detail;
};
struct ChangeEnded {
    const ChangeResult& result;
};
/// A change was undone, because its group was not ready in time: the unit is as it was before (R43).
struct ChangeUndone {
    const ChangeResult& result;
};
/// A group has ended with an outcome that does not follow from its changes alone.
struct GroupEnded {
    const GroupOutcome& outcome;
};
/// A look at the cluster found units that were changed by hand. They are left as they are (`drift: report`).
struct DriftFound {
    const Plan& plan;
};
/// A cycle has ended. `idle`: neither source nor cluster had moved, so nothing was compared.
struct CycleEnded {
    const CycleReport& report;
    bool idle;
};

using Event = std::variant<TargetListed, WantedRead, RolloutStarting, ChangeStarted, ChangeMade, WaitingForReady,
                           ChangeEnded, ChangeUndone, GroupEnded, DriftFound, CycleEnded>;

/// The stream of events. Subscribers are called in the order of their subscription, one event at a time, on the thread
/// that publishes the event. References in an event are valid during the call. Subscribe before the first event.
class EventStream {
public:
    void subscribe(std::function<void(const Event&)> subscriber) { subscribers_.push_back(std::move(subscriber)); }

    /// Calls each subscriber. An exception of a subscriber reaches the caller.
    void publish(const Event& event) {
        const std::lock_guard lock(mutex_);
        for (const auto& subscriber : subscribers_) subscriber(event);
    }

private:
    std::mutex mutex_;
    std::vector<std::function<void(const Event&)>> subscribers_;
};

}  // namespace deployer
