#pragma once

#include <chrono>
#include <optional>

namespace deployer::simulated {

/// When engine or an agent looks at the registry (pkg/reconcile.go, registry/event.go): every so often, and one second
/// after a change that it has noticed. It notices one change, of whatever kind, and is deaf for that second; so a new
/// content, which is two changes of which the first is of no interest, waits for the next tick, and what is changed and
/// changed back within the second was never so.
class Looks {
public:
    using Time = std::chrono::milliseconds;

    enum class Change {
        order,  ///< a desired state or a machine: it is looked at
        other,  ///< a content, a heartbeat, a unit that is gone: it makes deaf, and that is all
    };

    Looks(Time period, Time first) : period_(period), tick_(first) {}

    void notice(Change change, Time now) {
        if (due_ || now < deaf_until_) return;
        deaf_until_ = now + deafness;
        if (change == Change::order) due_ = deaf_until_;
    }
    /// There is something to see, whenever that will be.
    void owe() { is_owed_ = true; }

    /// Nullopt: there is nothing to see.
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

    /// Those that saw nothing are not played.
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
