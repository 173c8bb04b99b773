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

/// The program over all its runs: the first call starts it, and the first call after its end starts it again. When the
/// program ends within ten seconds of its start twice in a row, the next start waits for `restart_pause`; the pause
/// doubles each further time, up to a minute. Any thread may call.
class Program {
public:
    Program(const Options& options, ProgramLog& log) : options_(options), log_(log) {}

    /// A run of the program that has said hello.
    struct Running {
        std::shared_ptr<Conversation> conversation;
        Hello hello;
    };
    Running obtain(const Call& call);

private:
    using Clock = std::chrono::steady_clock;

    /// The current run, or a new one; it may not have said hello yet. Null: the caller waits for `pause` and asks
    /// again.
    std::shared_ptr<Conversation> find(std::chrono::milliseconds& pause);
    void forget(const std::shared_ptr<Conversation>& former);
    void wait(std::chrono::milliseconds pause, const Call& call);
    void check_identity(const Hello& hello, Conversation& conversation, Log& log);

    const Options& options_;
    ProgramLog& log_;
    std::mutex mutex_;
    std::shared_ptr<Conversation> current_;
    std::optional<std::string> identity_;  ///< from the program's first hello that gave one
    int early_ends_ = 0;                   ///< in a row
    Clock::time_point earliest_start_;
    std::string latest_end_;
};

}  // namespace deployer::exec
