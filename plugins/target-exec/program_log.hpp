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

/// Passes the program's lines to the deployer's log, which a plugin has only during calls. Between calls, the latest
/// hundred lines are kept for the next call. Lines are made printable and cut. After a burst of 200 lines, lines beyond
/// 20 a second are only counted. Any thread may call.
class ProgramLog {
public:
    /// During its lifetime, the log of one call takes the program's lines.
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
    double leave_ = 200;  ///< the number of lines that may be written now
    Clock::time_point leave_since_ = Clock::now();
};

}  // namespace deployer::exec
