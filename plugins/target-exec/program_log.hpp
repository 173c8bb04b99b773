#pragma once

#include <deployer/log.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::exec {

/// Carries the lines of a program into the deployer's log, which is there during calls only. In between the latest
/// hundred lines are kept for the next call. Lines are made printable and cut; more than 20 a second, after a burst of
/// 200, are counted instead. Any thread.
class ProgramLog {
public:
    /// While it lives, the log of one call takes what is said.
    class Listening {
    public:
        Listening(ProgramLog& program, Log& log);
        ~Listening();
        Listening(const Listening&) = delete;
        Listening& operator=(const Listening&) = delete;
        Listening(Listening&&) = delete;
        Listening& operator=(Listening&&) = delete;

    private:
        ProgramLog& program_;
        Log& log_;
    };

    void write(LogLevel level, std::string_view text) noexcept;

private:
    struct Entry {
        LogLevel level;
        std::string text;
    };
    using Clock = std::chrono::steady_clock;

    void put(LogLevel level, std::string_view text);
    void pass_on(Entry entry);
    void tell_left_out();
    bool take_leave();

    std::mutex mutex_;
    std::vector<Log*> listeners_;
    std::deque<Entry> kept_;
    std::size_t left_out_ = 0;
    double leave_ = 200;  ///< so many lines may be written at once
    Clock::time_point leave_since_ = Clock::now();
};

}  // namespace deployer::exec
