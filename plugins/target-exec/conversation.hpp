#pragma once

#include "child_process.hpp"
#include "line_channel.hpp"
#include "options.hpp"
#include "posix/file_descriptor.hpp"
#include "program_log.hpp"
#include "protocol.hpp"

#include <deployer/call.hpp>
#include <deployer/error.hpp>

#include <Poco/Dynamic/Var.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace deployer::exec {

/// One run of the program, from its start to its end. A thread of this object reads the program's output, notices the
/// program's end and buries it. Any thread may call. After the end, every call fails at once with the reason of the
/// end.
class Conversation {
public:
    /// Starts the program. Throws as ChildProcess does, and `unavailable` when no thread can be created.
    Conversation(const Options& options, ProgramLog& log);
    /// Ends the program: closes its input, sends SIGTERM after half a second, and SIGKILL after another half second. No
    /// call may be under way.
    ~Conversation();
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;
    Conversation(Conversation&&) = delete;
    Conversation& operator=(Conversation&&) = delete;

    /// Waits for the program's hello and returns it.
    Hello wait_for_hello(const Call& call);

    /// Sends one call and returns its result. Waits first if the program takes no further concurrent call. At the
    /// deadline or a stop request the program has half a second to answer. After that the program's state is unknown,
    /// so the program is ended.
    Poco::Dynamic::Var ask(std::string_view method, std::string_view params, const Call& call);

    /// Ends the program because it broke the protocol or a promise. Returns the Error for that; all calls end with this
    /// Error, unless the conversation had ended before.
    Error condemn(ErrorKind kind, const std::string& reason);

    [[nodiscard]] bool is_over() const;
    /// Waits until the program has ended and is buried.
    void wait_until_gone(const Call& call);

    /// How the run ended; valid after the end.
    struct Obituary {
        Error error;
        bool is_own_fault;  ///< the program is to blame; false when it was ended because a call was given up
        std::chrono::steady_clock::duration lived;
    };
    [[nodiscard]] Obituary obituary() const;

private:
    using Clock = std::chrono::steady_clock;
    using Lock = std::unique_lock<std::mutex>;

    /// A call under way. The calling thread owns it and waits for it.
    struct Pending {
        std::condition_variable_any changed;
        std::unique_ptr<Poco::Dynamic::Var> result;
        std::optional<Error> error;

        [[nodiscard]] bool is_done() const noexcept { return result != nullptr || error; }
    };

    // For the calling threads, with the lock held.
    void wait_for_turn(Lock& lock, const Call& call);
    void give_up(Lock& lock, std::uint64_t number, Pending& pending, const Call& call);
    [[nodiscard]] bool has_turn() const;
    void send(std::string_view line);
    void wake() const noexcept;
    void end(const Error& error, bool is_own_fault);

    // For this object's own thread.
    void attend() noexcept;
    void serve();
    [[nodiscard]] bool has_to_leave();
    [[nodiscard]] bool is_deaf() const;
    void wait_for_news();
    bool read_streams();
    bool read_errors();
    void discard_output();
    void handle(const Line& line);
    void take(const Hello& hello);
    void take(const Refusal& refusal);
    void take(Result&& result);
    void take(const Remark& remark);
    Pending& pending_call(std::uint64_t number);
    void take_note_of_end(const std::string& how);
    [[nodiscard]] bool wait_for_end(Clock::time_point deadline) const;
    bool see_to_end();
    void finish() noexcept;
    [[nodiscard]] Error failure(ErrorKind kind, std::string_view what) const;

    const std::string name_;  ///< for messages
    ProgramLog& log_;
    const std::chrono::milliseconds start_timeout_;
    const Clock::time_point started_ = Clock::now();
    ChildProcess child_;
    FileDescriptor alarm_;  ///< wakes the thread
    LineReader output_;     ///< used by the thread only
    LineReader errors_;     ///< used by the thread only

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;  ///< the hello came, the conversation ended, or the program is gone
    std::condition_variable_any turns_;
    LineWriter input_;
    std::uint64_t latest_ = 0;
    std::map<std::uint64_t, Pending*> pending_;
    std::optional<Hello> hello_;
    std::optional<Error> ending_;
    bool is_own_fault_ = true;
    Clock::time_point ended_;
    bool is_deaf_ = false;  ///< the program no longer reads its input
    bool is_gone_ = false;
    std::stop_source leaving_;  ///< the conversation has ended, or this object is being destroyed
    std::jthread thread_;       ///< last member: it uses the others
};

}  // namespace deployer::exec
