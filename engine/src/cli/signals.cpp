#include "cli/signals.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

namespace deployer {
namespace {

/// Sent to the watching thread to end it. Ignored when another process sends it.
constexpr int end_signal = SIGUSR2;

/// How long the process may take to end after it was asked to.
constexpr std::chrono::milliseconds longest_end{1'900};

using Clock = std::chrono::steady_clock;

sigset_t watched_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const auto signal : {SIGTERM, SIGINT, SIGHUP, end_signal}) sigaddset(&signals, signal);
    return signals;
}

/// Waits for the next of the signals. Returns 0 at the deadline, and when the wait was interrupted.
int next_signal(const sigset_t& signals, std::optional<Clock::time_point> deadline) {
    if (!deadline) {
        int signal = 0;
        sigwait(&signals, &signal);
        return signal;
    }
    constexpr long long second = 1'000'000'000;
    const auto left = std::max(*deadline - Clock::now(), Clock::duration(0));
    const auto count = std::chrono::nanoseconds(left).count();
    const timespec limit{count / second, count % second};
    return std::max(sigtimedwait(&signals, nullptr, &limit), 0);
}

/// Requests the stop on a separate thread, because stop callbacks may be plugin code, which may hang.
void request_stop(const std::stop_source& source) {
    try {
        std::thread([stop = source]() mutable { stop.request_stop(); }).detach();
    } catch (const std::system_error&) {
        std::stop_source(source).request_stop();
    }
}

}  // namespace

SignalWatch::SignalWatch(std::function<void()> on_hangup) : on_hangup_(std::move(on_hangup)) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto signals = watched_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    thread_ = std::thread([this] { run(); });
}

SignalWatch::~SignalWatch() {
    ending_ = true;
    pthread_kill(thread_.native_handle(), end_signal);
    thread_.join();
}

void SignalWatch::run() {
    const auto signals = watched_signals();
    std::optional<Clock::time_point> deadline;
    for (;;) {
        const auto signal = next_signal(signals, deadline);
        if (signal == end_signal && ending_) return;
        if (signal == SIGHUP) on_hangup_();
        if (signal == SIGTERM || signal == SIGINT) {
            if (deadline) std::_Exit(EXIT_FAILURE);
            deadline = Clock::now() + longest_end;
            request_stop(stop_);
        }
        if (deadline && Clock::now() >= *deadline) std::_Exit(EXIT_FAILURE);
    }
}

}  // namespace deployer
