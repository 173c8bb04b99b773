#pragma once

#include "protocol.hpp"

#include <deployer/call.hpp>
#include <deployer/error.hpp>

#include <Poco/Dynamic/Var.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace deployer::exec {

/// How the life of a program went, once it is over.
struct Obituary {
    Error error;
    bool is_own_fault;  ///< of the program; not when it was ended because a call was given up
    std::chrono::steady_clock::duration lived;
};

/// The calls to one life of a program: each waits here, on its own thread, for the thread that reads the program's
/// messages. Any thread. Once the life is over, every call fails at once with the error that it ended by.
class CallsUnderWay {
public:
    /// `name` is the program's, for messages. `send` writes a line to the program, and `on_end` is told once that the
    /// life is over. Both are called with the lock held: they must not block, nor call back.
    CallsUnderWay(std::string name, std::function<void(std::string_view)> send, std::function<void()> on_end)
        : name_(std::move(name)), send_(std::move(send)), on_end_(std::move(on_end)) {}

    // For the threads of the calls.

    /// Waits for the hello of the program, and gives it.
    Hello wait_for_hello(const Call& call);
    /// As Conversation::ask().
    Poco::Dynamic::Var ask(std::string_view method, std::string_view params, const Call& call);
    /// Waits until bury().
    void wait_until_gone(const Call& call);
    [[nodiscard]] bool is_over() const;
    [[nodiscard]] Obituary obituary() const;

    // For the thread that reads. take() throws Breach for a message that nobody waits for.

    void take(const Hello& hello);
    void take(const Refusal& refusal);
    void take(Result&& result);
    [[nodiscard]] bool has_hello() const;
    /// The program is dead and buried.
    void bury();

    /// Ends the life unless it is over: the first reason counts, for what follows is its consequence. Returns the error
    /// with this reason, which goes after the program's name.
    Error end(ErrorKind kind, std::string_view reason, bool is_own_fault);

private:
    using Clock = std::chrono::steady_clock;
    using Lock = std::unique_lock<std::mutex>;

    struct Pending {
        std::condition_variable_any changed;
        std::unique_ptr<Poco::Dynamic::Var> result;
        std::optional<Error> error;

        [[nodiscard]] bool is_done() const noexcept { return result != nullptr || error; }
    };

    // With the lock held.
    void wait_for_turn(Lock& lock, const Call& call);
    void give_up(Lock& lock, std::uint64_t number, Pending& pending, const Call& call);
    [[nodiscard]] bool has_turn() const;
    void send(std::string_view line) const;
    void end(const Error& error, bool is_own_fault);
    Pending& pending_call(std::uint64_t number);
    [[nodiscard]] Error failure(ErrorKind kind, std::string_view what) const;

    const std::string name_;
    const std::function<void(std::string_view)> send_;
    const std::function<void()> on_end_;
    const Clock::time_point started_ = Clock::now();

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;  ///< the hello is there, the life is over, or the program is gone
    std::condition_variable_any turns_;
    std::uint64_t latest_ = 0;
    std::map<std::uint64_t, Pending*> pending_;
    std::optional<Hello> hello_;
    std::optional<Error> ending_;
    bool is_own_fault_ = true;
    Clock::time_point ended_;
    bool is_gone_ = false;
};

}  // namespace deployer::exec
