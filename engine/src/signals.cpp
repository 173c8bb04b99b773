#include "signals.hpp"

#include <csignal>
#include <cstdlib>
#include <utility>

#include <pthread.h>

namespace deployer {
namespace {

/// Sent to the watching thread to end it. Sent by somebody else it means nothing.
constexpr int end_signal = SIGUSR2;

sigset_t watched_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const auto signal : {SIGTERM, SIGINT, SIGHUP, end_signal}) sigaddset(&signals, signal);
    return signals;
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
    for (;;) {
        int signal = 0;
        sigwait(&signals, &signal);
        if (signal == end_signal) {
            if (ending_) return;
        } else if (signal == SIGHUP) {
            on_hangup_();
        } else if (!stop_.request_stop()) {
            std::_Exit(EXIT_FAILURE);
        }
    }
}

}  // namespace deployer
