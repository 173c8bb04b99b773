#include "conformance/isolated_run.hpp"

#include "conformance/suite.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

namespace deployer::conformance {
namespace {

using Clock = std::chrono::steady_clock;
using Verdict = CheckResult::Verdict;

// The child writes lines to the pipe: "name TEXT" for every check, then "end VERDICT DETAIL" for each check that has
// ended, or "error KIND TEXT".

void tell(int pipe, const std::string& line) {
    auto text = line + '\n';
    for (std::size_t sent = 0; sent < text.size();) {
        const auto count = ::write(pipe, text.data() + sent, text.size() - sent);
        if (count < 0 && errno != EINTR) return;
        if (count > 0) sent += static_cast<std::size_t>(count);
    }
}

void run_checks(const IsolatedRun& run, const Workplace& workplace, std::size_t first, int pipe) {
    Suite suite(run.plugin, run.settings_file, workplace);
    for (const auto& check : suite.checks()) tell(pipe, "name " + check.name);
    for (std::size_t i = first; i < suite.checks().size(); ++i) {
        const auto result = suite.run(i);
        tell(pipe, "end " + std::to_string(static_cast<int>(result.verdict)) + ' ' + printable(result.detail));
    }
}

/// Makes the child a process with default signals, except SIGPIPE, which the program ignores as well. The child has a
/// process group of its own, so a signal from the terminal reaches only the parent, which then ends the child. The
/// plugin's output does not go into the report.
void be_plain_process(pid_t parent) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(EXIT_FAILURE);
    for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTERM, SIGINT, SIGHUP}) {
        std::signal(signal, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing >= 0) {
        ::dup2(nothing, STDIN_FILENO);
    } else {
        ::close(STDIN_FILENO);
    }
}

void tell_error(int pipe, ErrorKind kind, const std::string& message) {
    tell(pipe, "error " + std::to_string(static_cast<int>(kind)) + ' ' + printable(message));
}

/// Runs the checks in the child. Never returns, because objects on the stack and exit handlers belong to the parent.
[[noreturn]] void be_child(const IsolatedRun& run, const Workplace& workplace, std::size_t first, int pipe) {
    try {
        run_checks(run, workplace, first, pipe);
    } catch (const Error& error) {
        tell_error(pipe, error.kind(), error.what());
    } catch (const std::exception& exception) {
        tell_error(pipe, ErrorKind::internal, exception.what());
    } catch (...) {
        tell_error(pipe, ErrorKind::internal, "something that is no exception was thrown");
    }
    ::_exit(EXIT_SUCCESS);
}

/// A child process that runs checks, and the lines that it has written.
class Child {
public:
    Child(const IsolatedRun& run, const Workplace& workplace, std::size_t first) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
        const auto parent = ::getpid();
        pid_ = ::fork();
        if (pid_ < 0) fail("fork");
        if (pid_ == 0) {
            ::close(ends[0]);
            be_plain_process(parent);
            be_child(run, workplace, first, ends[1]);
        }
        // The child does the same. Done by both, the process group surely exists from here on, and can be killed.
        ::setpgid(pid_, pid_);
        ::close(ends[1]);
        pipe_ = ends[0];
    }
    ~Child() {
        if (pid_ > 0) (void)end();
        ::close(pipe_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    Child(Child&&) = delete;
    Child& operator=(Child&&) = delete;

    /// Takes the next whole line, if there is one.
    std::optional<std::string> take_line() {
        const auto end = text_.find('\n');
        if (end == std::string::npos) return std::nullopt;
        auto line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
    }

    /// Waits until the child writes more or has ended, at most for `within`.
    void wait(std::chrono::milliseconds within) {
        // Processes that the child left running may keep the pipe open, so its end is noticed by waitid() too.
        const bool has_ended = ended();
        pollfd readable{pipe_, POLLIN, 0};
        if (::poll(&readable, 1, has_ended ? 0 : static_cast<int>(within.count())) <= 0) {
            is_over_ = has_ended;
            return;
        }
        char chunk[4096];
        const auto count = ::read(pipe_, chunk, sizeof chunk);
        if (count > 0) text_.append(chunk, static_cast<std::size_t>(count));
        if (count == 0) is_over_ = true;
    }

    /// Whether the child writes no more lines.
    [[nodiscard]] bool is_over() const { return is_over_; }

    /// Kills the child unless it has ended. Returns its wait status.
    int end() {
        if (!is_over_) ::kill(-pid_, SIGKILL);
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        // Also kills processes that the child started and left behind.
        ::kill(-pid_, SIGKILL);
        pid_ = -1;
        return status;
    }

private:
    /// Whether the child has ended. Does not reap it.
    [[nodiscard]] bool ended() const {
        siginfo_t info{};
        return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
    }

    [[noreturn]] static void fail(const std::string& what) {
        throw Error(ErrorKind::unavailable,
                    "cannot start a process: " + what + ": " + std::generic_category().message(errno));
    }

    pid_t pid_ = -1;
    int pipe_ = -1;
    bool is_over_ = false;
    std::string text_;
};

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status)) {
        return "the process ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
               ::strsignal(WTERMSIG(status)) + ")";
    }
    return "the process ended with status " + std::to_string(WEXITSTATUS(status));
}

/// The names of the checks, and how far the children got.
struct Progress {
    std::vector<std::string> names;
    std::size_t next = 0;  ///< the first check without a result
};

void take(const std::string& line, const IsolatedRun& run, Progress& progress) {
    std::istringstream words(line);
    std::string word;
    int number = 0;
    words >> word;
    const auto rest = [&] {
        std::string text;
        std::getline(words >> std::ws, text);
        return text;
    };
    if (word == "name") progress.names.push_back(rest());
    if (word == "end" && words >> number) {
        run.on_result({progress.names.at(progress.next), static_cast<Verdict>(number), rest()});
        ++progress.next;
    }
    if (word == "error" && words >> number) throw Error(static_cast<ErrorKind>(number), rest());
}

void expect_not_stopped(const IsolatedRun& run, const Workplace& workplace) {
    if (!run.is_stopped()) return;
    throw Error(ErrorKind::cancelled, "stopped before all checks were made; of a target, units named conformance-" +
                                          workplace.word() + "-… may be left behind");
}

/// Runs checks from `progress.next` on in one child. If checks are left, returns why the child could not go on.
std::optional<std::string> run_some(const IsolatedRun& run, std::chrono::milliseconds limit, const Workplace& workplace,
                                    Progress& progress) {
    expect_not_stopped(run, workplace);
    Child child(run, workplace, progress.next);
    progress.names.clear();
    for (auto deadline = Clock::now() + limit; Clock::now() < deadline;) {
        while (const auto line = child.take_line()) {
            take(*line, run, progress);
            deadline = Clock::now() + limit;
        }
        if (child.is_over()) {
            const auto status = child.end();
            const bool is_done = !progress.names.empty() && progress.next == progress.names.size();
            return is_done ? std::nullopt : std::optional(how_it_ended(status));
        }
        expect_not_stopped(run, workplace);
        child.wait(std::chrono::milliseconds(100));
    }
    return "it did not return within " + std::to_string(limit.count() / 1000) + " s";
}

}  // namespace

void run_isolated(const IsolatedRun& run) {
    const Workplace workplace;
    prepare(run.settings_file, workplace, run.is_stopped);
    const auto limit = run.limit.value_or(longest_check(read_suite_settings(run.settings_file, workplace.path())));
    Progress progress;
    while (const auto problem = run_some(run, limit, workplace, progress)) {
        const bool is_loaded = !progress.names.empty();
        if (is_loaded && progress.next == progress.names.size()) return;
        run.on_result({is_loaded ? progress.names[progress.next] : check_of_loading().name, Verdict::failed, *problem});
        ++progress.next;
        if (progress.next >= progress.names.size()) return;
    }
}

}  // namespace deployer::conformance
