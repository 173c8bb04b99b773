#pragma once

#include <chrono>
#include <optional>

namespace deployer::simulated {

/// The times at which the engine or an agent looks at the registry (pkg/reconcile.go, registry/event.go): periodically,
/// and one second after a change that it has noticed. After any change it notices no other change for a second. So a
/// new content waits for the next tick, because it consists of two changes and the first one causes no look. A change
/// that is undone within that second is never seen.
class Looks {
public:
    using Time = std::chrono::milliseconds;

    enum class Change {
        order,  ///< a desired state or a machine: causes a look
        other,  ///< a content, a heartbeat, a unit that is gone: causes no look, but hides other changes
    };

    Looks(Time period, Time first) : period_(period), tick_(first) {}

    void notice(Change change, Time now) {
        if (due_ || now < deaf_until_) return;
        deaf_until_ = now + deafness;
        if (change == Change::order) due_ = deaf_until_;
    }
    /// Makes the next tick a look.
    void owe() { is_owed_ = true; }

    /// The time of the next look; nullopt when there is nothing to see.
    [[nodiscard]] std::optional<Time> next(Time now) const {
        auto next = due_;
        if (const auto tick = next_tick(now); is_owed_ && (!next || tick < *next)) next = tick;
        return next;
    }
    void looked(Time now) {
        tick_ = now + period_;
        due_.reset();
        is_owed_ = false;
    }

private:
    static constexpr Time deafness{1'000};

    /// The time of the next tick. Ticks without anything to see are skipped.
    [[nodiscard]] Time next_tick(Time now) const {
        if (tick_ >= now) return tick_;
        const auto missed = (now - tick_ + period_ - Time{1}) / period_;
        return tick_ + missed * period_;
    }

    Time period_;
    Time tick_;
    Time deaf_until_{0};
    std::optional<Time> due_ = std::nullopt;
    bool is_owed_ = false;
};

}  // namespace deployer::simulated
