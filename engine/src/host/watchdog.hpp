#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace deployer {

/// Makes sure that no plugin call hangs for ever (R8). When a call is not back `grace` after its deadline, `on_overrun`
/// is called with the call's name; it is meant to log that and end the process. Once a shutdown is requested, every
/// call has `shutdown_grace` left, whatever its deadline. Thread-safe.
class Watchdog {
public:
    using Clock = std::chrono::steady_clock;
    struct Limits {
        std::chrono::milliseconds grace{10'000};
        std::chrono::milliseconds shutdown_grace{1'500};
    };

    Watchdog(Limits limits, std::stop_token shutdown, std::function<void(const std::string&)> on_overrun);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    Watchdog(Watchdog&&) = delete;
    Watchdog& operator=(Watchdog&&) = delete;

    /// Watches one call for as long as the Watch lives.
    class Watch {
    public:
        ~Watch();
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;
        Watch(Watch&&) = delete;
        Watch& operator=(Watch&&) = delete;

    private:
        friend class Watchdog;
        struct Entry {
            std::string what;
            Clock::time_point limit;
        };
        Watch(Watchdog& dog, std::list<Entry>::iterator entry) : dog_(dog), entry_(entry) {}
        Watchdog& dog_;
        std::list<Entry>::iterator entry_;
    };

    /// `what` names the call in the message: "target-fleet: apply of foo@2.service".
    [[nodiscard]] Watch watch(std::string what, Clock::time_point deadline);

    /// How long ago the last call ended; 0 while one is under way.
    [[nodiscard]] Clock::duration silence() const;

private:
    void run(const std::stop_token& stop);
    [[nodiscard]] Clock::time_point next_limit() const;

    Limits limits_;
    std::function<void(const std::string&)> on_overrun_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::list<Watch::Entry> entries_;
    Clock::time_point last_end_ = Clock::now();
    Clock::time_point shutdown_limit_ = Clock::time_point::max();
    std::stop_callback<std::function<void()>> on_shutdown_;
    std::jthread thread_;
};

}  // namespace deployer
