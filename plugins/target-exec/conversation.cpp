#include "conversation.hpp"

#include "posix/errno_text.hpp"

#include <deployer/foreign_text.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <system_error>
#include <utility>
#include <variant>

namespace deployer::exec {
namespace {

using std::chrono::milliseconds;

/// The longest line in bytes; a listing of 10,000 units takes a third of it.
constexpr std::size_t line_limit = std::size_t{32} << 20U;
constexpr std::size_t error_line_limit = std::size_t{16} << 10U;

/// The time that the program has to answer a cancelled call.
constexpr milliseconds last_moment(500);
/// The time for the program to end by itself, and again to end after SIGTERM.
constexpr milliseconds end_patience(500);
/// The time to wait for the program's end after its streams have ended.
constexpr milliseconds exit_patience(200);
/// The time for the kernel to end the processes after SIGKILL.
constexpr milliseconds kill_patience(5000);

constexpr milliseconds longest_timeout = std::chrono::hours(24);

FileDescriptor make_alarm() {
    FileDescriptor alarm(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!alarm) throw Error(ErrorKind::unavailable, "cannot make an eventfd: " + errno_text(errno));
    return alarm;
}

/// Blocks all signals in this thread, because other threads of the deployer handle them.
void block_signals() noexcept {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

/// Removes a call from the calls under way in the destructor, so also on an exception.
template <class Calls>
class Enrolment {
public:
    using Value = typename Calls::mapped_type;

    Enrolment(Calls& calls, std::uint64_t number, Value call, std::condition_variable_any& turns)
        : calls_(calls), number_(number), turns_(turns) {
        calls_.emplace(number, call);
    }
    ~Enrolment() {
        calls_.erase(number_);
        turns_.notify_one();
    }
    Enrolment(const Enrolment&) = delete;
    Enrolment& operator=(const Enrolment&) = delete;
    Enrolment(Enrolment&&) = delete;
    Enrolment& operator=(Enrolment&&) = delete;

private:
    Calls& calls_;
    std::uint64_t number_;
    std::condition_variable_any& turns_;
};

}  // namespace

Conversation::Conversation(const Options& options, ProgramLog& log)
    : name_("program " + quote(options.launch.command.front())),
      log_(log),
      start_timeout_(options.start_timeout),
      child_(options.launch),
      alarm_(make_alarm()),
      output_(child_.output(), line_limit),
      errors_(child_.errors(), error_line_limit) {
    is_deaf_ = !input_.write(child_.input(), options.hello);
    try {
        thread_ = std::jthread([this] { attend(); });
    } catch (const std::system_error& problem) {
        throw Error(ErrorKind::unavailable, "cannot start a thread: " + errno_text(problem.code().value()));
    }
}

Conversation::~Conversation() {
    leaving_.request_stop();
    wake();
    thread_.join();
}

Hello Conversation::wait_for_hello(const Call& call) {
    Lock lock(mutex_);
    changed_.wait_until(lock, call.stop, call.deadline, [this] { return hello_ || ending_; });
    if (ending_) throw Error(*ending_);
    if (!hello_) {
        call.check("starting " + name_);
        throw failure(ErrorKind::unavailable, "did not start in time");
    }
    return *hello_;
}

Poco::Dynamic::Var Conversation::ask(std::string_view method, std::string_view params, const Call& call) {
    Lock lock(mutex_);
    wait_for_turn(lock, call);
    const auto number = ++latest_;
    Pending pending;
    const Enrolment enrolment(pending_, number, &pending, turns_);
    send(write_request(number, method, params, std::min(call.remaining(), longest_timeout)));
    const auto is_decided = [&] { return pending.is_done() || ending_; };
    if (!pending.changed.wait_until(lock, call.stop, call.deadline, is_decided)) give_up(lock, number, pending, call);
    if (pending.result) return *pending.result;
    throw pending.error ? *std::move(pending.error) : Error(*ending_);
}

bool Conversation::has_turn() const {
    return ending_ || hello_->concurrent == 0 || pending_.size() < hello_->concurrent;
}

void Conversation::wait_for_turn(Lock& lock, const Call& call) {
    const bool has = turns_.wait_until(lock, call.stop, call.deadline, [this] { return has_turn(); });
    try {
        if (ending_) throw Error(*ending_);
        const auto doing = "waiting for a turn with " + name_;
        call.check(doing);
        if (!has) throw Error(ErrorKind::unavailable, doing + " did not finish in time");
    } catch (const Error&) {
        // This thread may have been woken for its turn, which it does not use: wake another one.
        turns_.notify_one();
        throw;
    }
}

void Conversation::give_up(Lock& lock, std::uint64_t number, Pending& pending, const Call& call) {
    const auto is_decided = [&] { return pending.is_done() || ending_; };
    send(write_cancel(number));
    if (!pending.changed.wait_for(lock, last_moment, is_decided)) {
        end(failure(ErrorKind::unavailable, "was ended, as it did not answer a call that was given up"), false);
    }
    if (pending.result) return;
    // A call that was given up ends with the reason for that, even when the program has answered by an error.
    const auto what = name_ + (pending.error ? " did not finish" : " did not answer");
    pending.error = call.stop.stop_requested() ? Error(ErrorKind::cancelled, what + " before the call was cancelled")
                                               : Error(ErrorKind::unavailable, what + " in time");
}

Error Conversation::condemn(ErrorKind kind, const std::string& reason) {
    const std::scoped_lock lock(mutex_);
    auto error = failure(kind, reason);
    end(error, true);
    return error;
}

bool Conversation::is_over() const {
    const std::scoped_lock lock(mutex_);
    return ending_.has_value();
}

void Conversation::wait_until_gone(const Call& call) {
    Lock lock(mutex_);
    if (changed_.wait_until(lock, call.stop, call.deadline, [this] { return is_gone_; })) return;
    const auto doing = "waiting for the end of " + name_;
    call.check(doing);
    throw Error(ErrorKind::unavailable, doing + " did not finish in time");
}

Conversation::Obituary Conversation::obituary() const {
    const std::scoped_lock lock(mutex_);
    return {*ending_, is_own_fault_, ended_ - started_};
}

void Conversation::send(std::string_view line) {
    if (ending_ || is_deaf_) return;
    is_deaf_ = !input_.write(child_.input(), line);
    if (is_deaf_ || !input_.is_empty()) wake();
}

void Conversation::wake() const noexcept {
    const std::uint64_t one = 1;
    // A write to a full alarm fails, but then the thread will wake anyway.
    [[maybe_unused]] const auto written = ::write(alarm_.get(), &one, sizeof one);
}

/// Ends the conversation. Only the first reason counts, because later ones are its consequences.
void Conversation::end(const Error& error, bool is_own_fault) {
    if (ending_) return;
    ending_ = error;
    is_own_fault_ = is_own_fault;
    ended_ = Clock::now();
    leaving_.request_stop();
    for (const auto& [number, pending] : pending_) pending->changed.notify_all();
    changed_.notify_all();
    turns_.notify_all();
    wake();
}

Error Conversation::failure(ErrorKind kind, std::string_view what) const {
    return {kind, name_ + ' ' + std::string(what)};
}

void Conversation::attend() noexcept {
    block_signals();
    try {
        serve();
    } catch (const Breach& breach) {
        // When leaving, reading may have stopped within a line: then the breach is no fault of the program.
        if (!leaving_.stop_requested()) condemn(ErrorKind::unavailable, breach.what());
    } catch (const std::exception& problem) {
        condemn(ErrorKind::unavailable, std::string("cannot be followed: ") + problem.what());
    }
    finish();
}

void Conversation::serve() {
    while (!has_to_leave()) {
        wait_for_news();
        // Look for the end before reading: all that the program wrote before its end is then in the streams.
        const auto how = child_.find_end();
        read_streams();
        if (how) return take_note_of_end(*how);
        if (output_.ended()) return take_note_of_end("closed its standard output");
        if (is_deaf()) return take_note_of_end("closed its standard input");
    }
}

bool Conversation::has_to_leave() {
    const std::scoped_lock lock(mutex_);
    if (!hello_ && !ending_ && Clock::now() - started_ >= start_timeout_) {
        end(failure(ErrorKind::unavailable, "did not say hello within its start_timeout"), true);
    }
    return leaving_.stop_requested();
}

void Conversation::wait_for_news() {
    std::array<pollfd, 5> sources{{{alarm_.get(), POLLIN, 0},
                                   {child_.exit_notice(), POLLIN, 0},
                                   {errors_.descriptor(), POLLIN, 0},
                                   {output_.descriptor(), POLLIN, 0},
                                   {child_.input(), 0, 0}}};
    int timeout = -1;
    {
        const std::scoped_lock lock(mutex_);
        if (!input_.is_empty()) sources.back().events = POLLOUT;
        if (!hello_) {
            const auto rest = std::chrono::ceil<milliseconds>(started_ + start_timeout_ - Clock::now());
            timeout = static_cast<int>(std::clamp<milliseconds::rep>(rest.count(), 0, 3'600'000));
        }
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

bool Conversation::is_deaf() const {
    const std::scoped_lock lock(mutex_);
    return is_deaf_;
}

/// Reads a limited amount from both streams, so that endless output on one stream does not delay the other. False when
/// there was nothing to read.
bool Conversation::read_streams() {
    const bool has_errors = read_errors();
    const bool has_lines = output_.fill();
    while (const auto line = output_.next()) handle(*line);
    return has_errors || has_lines;
}

bool Conversation::read_errors() {
    const bool has_any = errors_.fill();
    while (const auto line = errors_.next()) log_.write(LogLevel::info, line->text + (line->is_cut ? "…" : ""));
    return has_any;
}

void Conversation::discard_output() {
    output_.fill();
    while (output_.next()) {
    }
}

void Conversation::handle(const Line& line) {
    if (!line.has_end) return;
    if (line.is_cut) {
        throw Breach("wrote a line of more than " + std::to_string(line_limit) + " bytes: " + quote(line.text));
    }
    std::visit([this](auto&& message) { take(std::forward<decltype(message)>(message)); },
               read_message(line.text, leaving_.get_token()));
}

void Conversation::take(const Hello& hello) {
    const std::scoped_lock lock(mutex_);
    if (hello_) throw Breach("said hello a second time");
    if (hello.protocol != protocol_version) {
        end(failure(ErrorKind::misconfigured, "speaks protocol " + std::to_string(hello.protocol) +
                                                  ", while this deployer speaks " + std::to_string(protocol_version)),
            true);
        return;
    }
    hello_ = hello;
    changed_.notify_all();
}

void Conversation::take(const Refusal& refusal) {
    const std::scoped_lock lock(mutex_);
    const auto error = refusal.error.while_doing(name_);
    if (refusal.call) {
        auto& pending = pending_call(*refusal.call);
        // A `cancelled` from the program is a defect: the engine would believe that it had cancelled the call itself.
        pending.error = error.kind() == ErrorKind::cancelled ? Error(ErrorKind::internal, error.what()) : error;
        pending.changed.notify_all();
    } else if (hello_) {
        throw Breach("wrote an error without an id: " + quote(refusal.error.what()));
    } else {
        end(error, true);
    }
}

/// The value is moved, because its shared parts may be used by one thread only: from here on the call's thread.
void Conversation::take(Result&& result) {
    const std::scoped_lock lock(mutex_);
    auto& pending = pending_call(result.call);
    pending.result = std::move(result.value);
    pending.changed.notify_all();
}

void Conversation::take(const Remark& remark) {
    log_.write(remark.level, remark.text);
}

Conversation::Pending& Conversation::pending_call(std::uint64_t number) {
    const auto found = pending_.find(number);
    if (found == pending_.end() || found->second->is_done()) {
        throw Breach("answered call " + std::to_string(number) + ", which is not under way");
    }
    return *found->second;
}

void Conversation::take_note_of_end(const std::string& how) {
    // Streams mostly close because the program is about to end; its exit status says more than the closed stream.
    const auto deadline = Clock::now() + exit_patience;
    while (!child_.find_end() && wait_for_end(deadline)) read_streams();
    const auto exit = child_.find_end();
    // The number of rounds is limited, because a child that the program left behind could write for ever.
    for (auto rounds = line_limit / read_at_once; exit && rounds > 0 && read_streams(); --rounds) {
    }
    const std::scoped_lock lock(mutex_);
    end(failure(ErrorKind::unavailable, exit.value_or(how) + (hello_ ? "" : " before it said hello")), true);
}

/// Waits until there is something to read, or the program has ended. False when the deadline is over.
bool Conversation::wait_for_end(Clock::time_point deadline) const {
    // Wake at intervals, because without an exit notice only a look shows the program's end.
    constexpr milliseconds longest(50);
    const auto rest = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (rest.count() <= 0) return false;
    std::array<pollfd, 3> sources{
        {{child_.exit_notice(), POLLIN, 0}, {errors_.descriptor(), POLLIN, 0}, {output_.descriptor(), POLLIN, 0}}};
    ::poll(sources.data(), sources.size(), static_cast<int>(std::min(rest, longest).count()));
    return true;
}

/// Whether the program ends within end_patience. Goes on reading meanwhile, so that full streams do not block the
/// program.
bool Conversation::see_to_end() {
    const auto deadline = Clock::now() + end_patience;
    while (!child_.find_end()) {
        if (!wait_for_end(deadline)) return false;
        read_errors();
        discard_output();
    }
    return true;
}

void Conversation::finish() noexcept {
    try {
        bool is_condemned = false;
        {
            const std::scoped_lock lock(mutex_);
            is_condemned = ending_.has_value();
            // No call sends any more. The closed input tells a program that still runs to end.
            child_.close_input();
        }
        if (is_condemned || !see_to_end()) {
            child_.send(SIGTERM);
            see_to_end();
        }
        child_.bury(kill_patience);
        for (auto rounds = line_limit / read_at_once; rounds > 0 && read_errors(); --rounds) {
        }
    } catch (const std::exception&) {
        child_.bury(kill_patience);
    }
    const std::scoped_lock lock(mutex_);
    is_gone_ = true;
    changed_.notify_all();
}

}  // namespace deployer::exec
