#include "cli/command_line.hpp"
#include "cli/commands.hpp"
#include "cli/first_process.hpp"

#include <deployer/foreign_text.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace {

/// Opens /dev/null for each standard stream that is closed. Otherwise a file opened later would get its descriptor, and
/// a log or a report would be written into that file. Standard output is opened for reading only: writing a report must
/// fail then, since nobody gets the report.
bool fill_standard_streams() {
    struct Stream {
        int descriptor;
        int mode;
    };
    for (const auto& stream :
         {Stream{STDIN_FILENO, O_RDONLY}, Stream{STDOUT_FILENO, O_RDONLY}, Stream{STDERR_FILENO, O_WRONLY}}) {
        if (::fcntl(stream.descriptor, F_GETFD) >= 0) continue;
        // open(2) gives the lowest free descriptor, which is this one.
        if (::open("/dev/null", stream.mode) != stream.descriptor) return false;
    }
    return true;
}

std::optional<std::string> environment_variable(const std::string& name) {
    const auto* const value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// SIG_BLOCK keeps SIGHUP pending; SIG_UNBLOCK delivers it.
void hold_hangup(int how) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    ::pthread_sigmask(how, &signals, nullptr);
}

void complain(std::string_view message) {
    std::cerr << "coco-fleet-deployer: " << deployer::printable(message) << '\n';
}

}  // namespace

int main(int argc, char* argv[]) {
    constexpr int exit_usage = 64;
    // SIGHUP has `run` read its configuration again. Until `run` handles the signal, SIGHUP would end the process.
    hold_hangup(SIG_BLOCK);
    // A parent may have started this program with SIGCHLD ignored. Then the kernel would drop the exit statuses of this
    // program's children.
    std::signal(SIGCHLD, SIG_DFL);
    try {
        if (!fill_standard_streams()) return EXIT_FAILURE;
        if (const auto status = deployer::keep_house_if_first()) return *status;
        const auto invocation = deployer::parse_command_line({argv + 1, argv + argc}, environment_variable);
        if (invocation.command != deployer::Command::run) hold_hangup(SIG_UNBLOCK);
        return deployer::carry_out(invocation);
    } catch (const deployer::UsageError& error) {
        complain(error.what());
        return exit_usage;
    } catch (const std::exception& exception) {
        complain(exception.what());
        return EXIT_FAILURE;
    }
}
