#pragma once

#include <deployer/log.hpp>

#include <atomic>
#include <iosfwd>
#include <mutex>
#include <string>
#include <string_view>

namespace deployer {

/// One log line, with newline: `2026-01-02T03:04:05.678Z warning: message`, or a JSON object with `time`, `level` and
/// `message`. Control characters and stray bytes in the message are made visible, so that a line stays a line, in
/// UTF-8.
std::string format_log_line(LogLevel level, std::string_view message, std::string_view time, bool json);

/// The program's log: lines on a stream, without those below a level. Thread-safe; a line is written whole. A line that
/// cannot be written is lost; later lines are tried all the same.
class StreamLog final : public Log {
public:
    StreamLog(std::ostream& out, LogLevel least, bool json);

    void write(LogLevel level, std::string_view message) noexcept override;
    void change(LogLevel least, bool json);

private:
    std::ostream& out_;
    std::atomic<LogLevel> least_;
    std::atomic<bool> json_;
    std::mutex mutex_;
};

}  // namespace deployer
