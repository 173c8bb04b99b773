#pragma once

#include "support/recording_log.hpp"

#include <deployer/call.hpp>

#include <chrono>
#include <stop_token>

namespace deployer {

/// The Call of a test: a deadline that only a hanging plugin reaches, a stop of its own, and a log to inspect.
///     TestCall call;
///     target->list(call);
///     CHECK(call.log().holds("…"));
class TestCall {
public:
    explicit TestCall(std::chrono::milliseconds time = std::chrono::seconds(30))
        : call_{std::chrono::steady_clock::now() + time, stop_.get_token(), log_} {}
    ~TestCall() = default;
    TestCall(const TestCall&) = delete;
    TestCall& operator=(const TestCall&) = delete;
    TestCall(TestCall&&) = delete;
    TestCall& operator=(TestCall&&) = delete;

    operator const Call&() const noexcept { return call_; }  // NOLINT(google-explicit-constructor)

    /// Any thread may call this.
    void request_stop() { stop_.request_stop(); }

    [[nodiscard]] RecordingLog& log() noexcept { return log_; }

private:
    RecordingLog log_;
    std::stop_source stop_;
    Call call_;
};

}  // namespace deployer
