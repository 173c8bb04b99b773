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

/// A program to start, with its environment and directory.
struct Launch {
    std::vector<std::string> command;  ///< argv; a first word without a slash is looked up in the PATH of `environment`
    std::vector<std::string> environment;  ///< "NAME=value", all variables of the program
    std::filesystem::path directory;       ///< empty: the directory of this process
};

/// A program with its three standard streams. The program leads a process group of its own, so signals from the
/// deployer's terminal do not reach it, and its children end with it. It inherits no other descriptor and no blocked or
/// ignored signals. To be used by one thread at a time.
class ChildProcess {
public:
    /// Starts the program. Throws Error `misconfigured` when a person has to change something (no such file, no right
    /// to execute it), else `unavailable`.
    explicit ChildProcess(const Launch& launch);
    /// Kills the process group and buries the program.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ChildProcess(ChildProcess&&) = delete;
    ChildProcess& operator=(ChildProcess&&) = delete;

    // None of the streams blocks. The input is a socket, because a write with MSG_NOSIGNAL raises no SIGPIPE.
    [[nodiscard]] int input() const noexcept { return input_.get(); }
    [[nodiscard]] int output() const noexcept { return output_.get(); }
    [[nodiscard]] int errors() const noexcept { return errors_.get(); }

    /// A descriptor that is readable once the program has ended; -1 when the kernel does not support it.
    [[nodiscard]] int exit_notice() const noexcept { return exit_notice_.get(); }

    void close_input() noexcept { input_.reset(); }

    /// How the program ended: "exited with 3", "was ended by signal 11 (Segmentation fault)", or "is gone" when other
    /// code in this process has buried it. Nullopt while the program runs.
    [[nodiscard]] std::optional<std::string> find_end();

    /// Sends a signal to the process group, unless other code in this process has buried the program.
    void send(int signal) noexcept;

    /// Kills all processes of the group and buries the program, so that its number becomes free. Waits at most
    /// `patience`.
    void bury(std::chrono::milliseconds patience) noexcept;

private:
    [[nodiscard]] bool look(siginfo_t& state) noexcept;

    FileDescriptor input_;
    FileDescriptor output_;
    FileDescriptor errors_;
    FileDescriptor exit_notice_;
    pid_t pid_ = -1;  ///< -1: buried, perhaps by other code
};

}  // namespace deployer::exec
