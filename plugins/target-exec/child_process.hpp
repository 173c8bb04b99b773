#pragma once

#include "posix/file_descriptor.hpp"

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace deployer::exec {

/// A program to start, and its surroundings.
struct Launch {
    std::vector<std::string> command;  ///< argv; a first word without a slash is looked up in the PATH of `environment`
    std::vector<std::string> environment;  ///< "NAME=value", each variable that it gets
    std::filesystem::path directory;       ///< empty: that of this process
};

/// A program with its three standard streams. It leads a process group of its own: what a terminal sends to the
/// deployer does not reach it, and what it starts is ended with it. It gets no other descriptor, and no signal is
/// blocked or ignored. Not for two threads at once.
class ChildProcess {
public:
    /// Throws Error: `misconfigured` when a person has to change something (no such file, no right to execute it), else
    /// `unavailable`.
    explicit ChildProcess(const Launch& launch);
    /// Kills what still runs.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ChildProcess(ChildProcess&&) = delete;
    ChildProcess& operator=(ChildProcess&&) = delete;

    // None of them blocks. The input is a socket: writing to it with MSG_NOSIGNAL raises no SIGPIPE.
    [[nodiscard]] int input() const noexcept { return input_.get(); }
    [[nodiscard]] int output() const noexcept { return output_.get(); }
    [[nodiscard]] int errors() const noexcept { return errors_.get(); }

    /// Readable once the program has ended; -1 where the kernel has no such thing.
    [[nodiscard]] int exit_notice() const noexcept { return exit_notice_.get(); }

    void close_input() noexcept { input_.reset(); }

    /// How it ended: "exited with 3", "was ended by signal 11 (Segmentation fault)"; "is gone" where something else has
    /// buried it. Nullopt: it has not.
    [[nodiscard]] std::optional<std::string> find_end();

    /// To the whole group, unless something else has buried the program.
    void send(int signal) noexcept;

    /// Kills whatever is left of the group, and gives its number back to the system. At most for `patience`.
    void bury(std::chrono::milliseconds patience) noexcept;

private:
    [[nodiscard]] bool look(siginfo_t& state) noexcept;

    FileDescriptor input_;
    FileDescriptor output_;
    FileDescriptor errors_;
    FileDescriptor exit_notice_;
    pid_t pid_ = -1;  ///< -1: buried, perhaps by something else
};

}  // namespace deployer::exec
