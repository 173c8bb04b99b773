#include "program_streams.hpp"

#include "posix/errno_text.hpp"

#include <deployer/error.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <exception>

namespace deployer::exec {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t error_line_limit = std::size_t{16} << 10U;

/// The time that a program has to end by itself, and then by SIGTERM.
constexpr milliseconds end_patience(500);
/// The time that the kernel has to end a program that got SIGKILL.
constexpr milliseconds kill_patience(5000);

FileDescriptor make_alarm() {
    FileDescriptor alarm(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!alarm) throw Error(ErrorKind::unavailable, "cannot make an eventfd: " + errno_text(errno));
    return alarm;
}

}  // namespace

ProgramStreams::ProgramStreams(const Launch& launch, ProgramLog& log)
    : log_(log),
      child_(launch),
      alarm_(make_alarm()),
      output_(child_.output(), line_limit),
      errors_(child_.errors(), error_line_limit) {}

void ProgramStreams::write(std::string_view line) {
    const std::scoped_lock lock(mutex_);
    if (is_deaf_) return;
    is_deaf_ = !input_.write(child_.input(), line);
    if (is_deaf_ || !input_.is_empty()) wake();
}

void ProgramStreams::wake() const noexcept {
    const std::uint64_t one = 1;
    // A counter that is full means that the thread is about to wake.
    [[maybe_unused]] const auto written = ::write(alarm_.get(), &one, sizeof one);
}

bool ProgramStreams::is_deaf() const {
    const std::scoped_lock lock(mutex_);
    return is_deaf_;
}

void ProgramStreams::wait_for_news(std::optional<Clock::time_point> until) {
    std::array<pollfd, 5> sources{{{alarm_.get(), POLLIN, 0},
                                   {child_.exit_notice(), POLLIN, 0},
                                   {errors_.descriptor(), POLLIN, 0},
                                   {output_.descriptor(), POLLIN, 0},
                                   {child_.input(), 0, 0}}};
    {
        const std::scoped_lock lock(mutex_);
        if (!input_.is_empty()) sources.back().events = POLLOUT;
    }
    int timeout = -1;
    if (until) {
        const auto rest = std::chrono::ceil<milliseconds>(*until - Clock::now());
        timeout = static_cast<int>(std::clamp<milliseconds::rep>(rest.count(), 0, 3'600'000));
    }
    if (::poll(sources.data(), sources.size(), timeout) <= 0) return;
    std::uint64_t count = 0;
    if (sources.front().revents != 0) [[maybe_unused]]
        const auto got = ::read(alarm_.get(), &count, sizeof count);
    if (sources.back().revents != 0) {
        const std::scoped_lock lock(mutex_);
        is_deaf_ = (sources.back().revents & POLLHUP) != 0 || !input_.flush(child_.input());
    }
}

bool ProgramStreams::read() {
    const bool has_errors = read_errors();
    const bool has_output = output_.fill();
    return has_errors || has_output;
}

bool ProgramStreams::read_errors() {
    const bool has_any = errors_.fill();
    while (const auto line = errors_.next()) log_.write(LogLevel::info, line->text + (line->is_cut ? "…" : ""));
    return has_any;
}

void ProgramStreams::discard_output() {
    output_.fill();
    while (output_.next()) {
    }
}

bool ProgramStreams::wait_for_end(Clock::time_point deadline) const {
    // Where the kernel has no exit notice, the caller has to look now and then.
    constexpr milliseconds longest(50);
    const auto rest = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (rest.count() <= 0) return false;
    std::array<pollfd, 3> sources{
        {{child_.exit_notice(), POLLIN, 0}, {errors_.descriptor(), POLLIN, 0}, {output_.descriptor(), POLLIN, 0}}};
    ::poll(sources.data(), sources.size(), static_cast<int>(std::min(rest, longest).count()));
    return true;
}

/// Whether the program ends in time. Reads on meanwhile, so that the program need not wait for a reader.
bool ProgramStreams::see_to_end() {
    const auto deadline = Clock::now() + end_patience;
    while (!child_.find_end()) {
        if (!wait_for_end(deadline)) return false;
        read_errors();
        discard_output();
    }
    return true;
}

void ProgramStreams::end(bool at_once) noexcept {
    try {
        {
            const std::scoped_lock lock(mutex_);
            // A program that still runs learns from this that it is to end.
            child_.close_input();
            is_deaf_ = true;
        }
        if (at_once || !see_to_end()) {
            child_.send(SIGTERM);
            see_to_end();
        }
        child_.bury(kill_patience);
        for (auto rounds = line_limit / read_at_once; rounds > 0 && read_errors(); --rounds) {
        }
    } catch (const std::exception&) {
        child_.bury(kill_patience);
    }
}

}  // namespace deployer::exec
