#pragma once

#include <atomic>
#include <functional>
#include <stop_token>
#include <thread>

namespace deployer {

/// Turns SIGTERM and SIGINT into a stop request and SIGHUP into a callback. Uses a thread of its own, so that no code
/// runs in a signal handler (signal-safety(7)). If the process has not ended 2 seconds after SIGTERM or SIGINT, or at
/// once on a second one, ends it with status 1. Ignores SIGPIPE, since the end of a log reader is no reason to stop.
/// Construct the SignalWatch before any other thread: the signals are blocked in the constructing thread and in threads
/// that it starts.
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
