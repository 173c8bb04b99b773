#pragma once

#include "support/recording_log.hpp"

#include <deployer/call.hpp>

#include <chrono>
#include <stop_token>

namespace deployer {

/// What a test passes as the Call: a deadline that only a hanging plugin meets, a stop of its own, a log to look at.
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

    /// From any thread.
    void request_stop() { stop_.request_stop(); }

    [[nodiscard]] RecordingLog& log() noexcept { return log_; }

private:
    RecordingLog log_;
    std::stop_source stop_;
    Call call_;
};

}  // namespace deployer
