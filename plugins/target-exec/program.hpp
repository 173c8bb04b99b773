#pragma once

#include "conversation.hpp"
#include "options.hpp"
#include "program_log.hpp"

#include <deployer/call.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace deployer::exec {

/// The program over all its lives: started by the first call that needs it, and again by the first one after its end.
/// One that ends within ten seconds of its start, twice in a row or more, is waited with: `restart_pause`, doubled each
/// time, at most a minute. Any thread.
class Program {
public:
    Program(const Options& options, ProgramLog& log) : options_(options), log_(log) {}

    /// One that has said hello.
    struct Running {
        std::shared_ptr<Conversation> conversation;
        Hello hello;
    };
    Running obtain(const Call& call);

private:
    using Clock = std::chrono::steady_clock;

    /// One that may not have said hello yet. Null: wait for `pause`, and ask again.
    std::shared_ptr<Conversation> find(std::chrono::milliseconds& pause);
    void forget(const std::shared_ptr<Conversation>& former);
    void wait(std::chrono::milliseconds pause, const Call& call);
    void check_identity(const Hello& hello, Conversation& conversation, Log& log);

    const Options& options_;
    ProgramLog& log_;
    std::mutex mutex_;
    std::shared_ptr<Conversation> current_;
    std::optional<std::string> identity_;  ///< as the program gave it first
    int early_ends_ = 0;                   ///< in a row
    Clock::time_point earliest_start_;
    std::string latest_end_;
};

}  // namespace deployer::exec
