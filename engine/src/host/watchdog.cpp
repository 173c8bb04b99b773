#include "host/watchdog.hpp"

#include <algorithm>
#include <utility>

namespace deployer {

Watchdog::Watchdog(Limits limits, std::stop_token shutdown, std::function<void(const std::string&)> on_overrun)
    : limits_(limits),
      on_overrun_(std::move(on_overrun)),
      on_shutdown_(std::move(shutdown),
                   [this] {
                       const std::lock_guard lock(mutex_);
                       shutdown_limit_ = Clock::now() + limits_.shutdown_grace;
                       changed_.notify_all();
                   }),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Watchdog::~Watchdog() = default;

Watchdog::Watch Watchdog::watch(std::string what, Clock::time_point deadline) {
    // A far deadline plus the grace could overflow.
    const auto limit =
        deadline < Clock::time_point::max() - limits_.grace ? deadline + limits_.grace : Clock::time_point::max();
    const std::lock_guard lock(mutex_);
    const bool sooner = std::min(limit, shutdown_limit_) < next_limit();
    entries_.push_back({std::move(what), limit});
    if (sooner) changed_.notify_all();
    return {*this, std::prev(entries_.end())};
}

Watchdog::Watch::~Watch() {
    const std::lock_guard lock(dog_.mutex_);
    dog_.entries_.erase(entry_);
    dog_.last_end_ = Clock::now();
}

Watchdog::Clock::duration Watchdog::silence() const {
    const std::lock_guard lock(mutex_);
    return entries_.empty() ? Clock::now() - last_end_ : Clock::duration(0);
}

Watchdog::Clock::time_point Watchdog::next_limit() const {
    auto next = Clock::time_point::max();
    for (const auto& entry : entries_) next = std::min({next, entry.limit, shutdown_limit_});
    return next;
}

void Watchdog::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const auto next = next_limit();
        const auto now = Clock::now();
        if (next <= now) {
            const auto late = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
                return std::min(entry.limit, shutdown_limit_) <= now;
            });
            const auto what = late->what;
            late->limit = Clock::time_point::max();
            if (shutdown_limit_ <= now) shutdown_limit_ = Clock::time_point::max();
            lock.unlock();
            on_overrun_(what);
            lock.lock();
            continue;
        }
        // The wait ends when another limit comes first, or at the limit itself; either way the loop looks again.
        if (next == Clock::time_point::max()) {
            changed_.wait(lock, stop, [&] { return next_limit() != next; });
        } else {
            changed_.wait_until(lock, stop, next, [&] { return next_limit() < next; });
        }
    }
}

}  // namespace deployer
