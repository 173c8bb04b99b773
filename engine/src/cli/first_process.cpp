#include "cli/first_process.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

namespace deployer {
namespace {

/// The signals that people and supervisors send to a deployer, and SIGCHLD.
sigset_t awaited_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const auto signal : {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
    return signals;
}

/// Reaps all children that have ended. Returns the exit status of `worker` if it is among them.
std::optional<int> bury(pid_t worker) {
    std::optional<int> end;
    int status = 0;
    for (pid_t buried = 0; (buried = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (buried == worker) end = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return end;
}

int keep_house(pid_t worker, const sigset_t& signals) {
    while (true) {
        siginfo_t signal{};
        if (::sigwaitinfo(&signals, &signal) < 0) continue;
        // A terminal sends its signals to all processes at once, so they are not passed on: a second SIGINT would end
        // the deployer before it is done.
        if (signal.si_signo != SIGCHLD && signal.si_code != SI_KERNEL) ::kill(worker, signal.si_signo);
        if (const auto end = bury(worker)) return *end;
    }
}

}  // namespace

std::optional<int> keep_house_if_first() {
    if (::getpid() != 1) return std::nullopt;
    const auto signals = awaited_signals();
    sigset_t before;
    ::pthread_sigmask(SIG_BLOCK, &signals, &before);
    const pid_t worker = ::fork();
    if (worker < 0)
        throw std::system_error(errno, std::generic_category(), "cannot start the process that does the work");
    if (worker > 0) return keep_house(worker, signals);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return std::nullopt;
}

}  // namespace deployer
