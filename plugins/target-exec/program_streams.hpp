#pragma once

#include "child_process.hpp"
#include "line_channel.hpp"
#include "posix/file_descriptor.hpp"
#include "program_log.hpp"

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace deployer::exec {

/// Bytes of the longest line that a program may write; a listing of 10,000 units comes to a third of it.
inline constexpr std::size_t line_limit = std::size_t{32} << 20U;

/// A program with its streams, as lines. write(), wake() and is_deaf() are for any thread, the other members for the
/// thread that reads.
class ProgramStreams {
public:
    using Clock = std::chrono::steady_clock;

    /// Starts the program, of which the standard error goes to the log. Throws as ChildProcess does.
    ProgramStreams(const Launch& launch, ProgramLog& log);

    /// Never blocks; the thread that reads sends the rest. A line to a program that is deaf is lost.
    void write(std::string_view line);
    /// Ends wait_for_news().
    void wake() const noexcept;
    /// Whether the program does not read any more.
    [[nodiscard]] bool is_deaf() const;

    /// Waits until there is something to read or to send, the program ends, or wake(); at most until then.
    void wait_for_news(std::optional<Clock::time_point> until);
    /// Reads a share of what is there, so that a program that writes without end on one stream does not keep the other
    /// waiting. False: there was nothing.
    bool read();
    /// The next line that was read of the standard output.
    [[nodiscard]] std::optional<Line> next_line() { return output_.next(); }
    /// Whether the program closed its standard output.
    [[nodiscard]] bool has_output_ended() const noexcept { return output_.ended(); }

    /// As ChildProcess::find_end().
    [[nodiscard]] std::optional<std::string> find_end() { return child_.find_end(); }
    /// Waits until there is something to read, or the program has ended. False: the deadline is over.
    [[nodiscard]] bool wait_for_end(Clock::time_point deadline) const;
    /// Ends the program: closes its input, sends SIGTERM, at once or when it does not end by itself, and then SIGKILL.
    /// Returns when it is dead and buried.
    void end(bool at_once) noexcept;

private:
    bool read_errors();
    void discard_output();
    bool see_to_end();

    ProgramLog& log_;
    ChildProcess child_;
    FileDescriptor alarm_;  ///< wakes the thread
    LineReader output_;
    LineReader errors_;
    mutable std::mutex mutex_;  ///< for the members below, and the child's input
    LineWriter input_;
    bool is_deaf_ = false;
};

}  // namespace deployer::exec
