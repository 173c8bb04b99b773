#pragma once

#include "calls_under_way.hpp"
#include "options.hpp"
#include "program_log.hpp"
#include "program_streams.hpp"
#include "protocol.hpp"

#include <deployer/call.hpp>
#include <deployer/error.hpp>

#include <Poco/Dynamic/Var.h>

#include <chrono>
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

    /// Waits for the hello of the program, and gives it.
    Hello wait_for_hello(const Call& call) { return calls_.wait_for_hello(call); }

    /// The result of one call; waits for a turn where the program does not take as many at once. At the deadline or a
    /// stop the program has half a second to answer all the same; then nobody knows what it is doing, and it is ended.
    Poco::Dynamic::Var ask(std::string_view method, std::string_view params, const Call& call) {
        return calls_.ask(method, params, call);
    }

    /// Ends the program because its words cannot be relied on. Returns the Error with this reason, which all calls end
    /// with unless the life was over before.
    Error condemn(ErrorKind kind, const std::string& reason) { return calls_.end(kind, reason, true); }

    [[nodiscard]] bool is_over() const { return calls_.is_over(); }
    /// Waits until the program is dead and buried.
    void wait_until_gone(const Call& call) { calls_.wait_until_gone(call); }
    /// Once the life is over.
    [[nodiscard]] Obituary obituary() const { return calls_.obituary(); }

private:
    using Clock = std::chrono::steady_clock;

    // For this object's own thread.
    void attend() noexcept;
    void serve();
    [[nodiscard]] bool has_to_leave();
    bool read_streams();
    void handle(const Line& line);
    void take_note_of_end(const std::string& how);

    ProgramLog& log_;
    std::stop_source leaving_;  ///< the life is over, or nobody calls any more
    CallsUnderWay calls_;
    const Clock::time_point hello_until_;
    ProgramStreams streams_;
    std::jthread thread_;  ///< last: the thread uses the members above
};

}  // namespace deployer::exec
