#pragma once

#include <atomic>
#include <functional>
#include <stop_token>
#include <thread>

namespace deployer {

/// Turns SIGTERM and SIGINT into a stop request and SIGHUP into a callback, on a thread of its own, so that no code
/// runs in a signal handler (signal-safety(7)). A process that is not at its end within 2 seconds is ended with status
/// 1, whatever hangs; a second SIGTERM or SIGINT does so at once. Ignores SIGPIPE: a log reader that goes away is no
/// reason to stop. Construct it before any other thread: these signals are blocked in the constructing thread and those
/// it starts.
class SignalWatch {
public:
    explicit SignalWatch(std::function<void()> on_hangup);
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;
    SignalWatch(SignalWatch&&) = delete;
    SignalWatch& operator=(SignalWatch&&) = delete;

    [[nodiscard]] std::stop_token stop_token() const { return stop_.get_token(); }

private:
    void run();

    std::function<void()> on_hangup_;
    std::stop_source stop_;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace deployer
