#include "isolated_run.hpp"

#include "suite.hpp"

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
#include <cstring>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

namespace deployer::conformance {
namespace {

using Clock = std::chrono::steady_clock;
using Verdict = CheckResult::Verdict;

// What the child tells, a line each: "name TEXT" for every check, then "end VERDICT DETAIL" for each that is made, or
// "error KIND TEXT".

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

/// As a process that nobody has changed anything of: what becomes of the plugin is for the parent to tell. A signal at
/// the terminal reaches the parent alone, which ends the child.
void be_plain_process() {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTERM, SIGINT, SIGHUP}) {
        std::signal(signal, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void be_child(const IsolatedRun& run, const Workplace& workplace, std::size_t first, int pipe) {
    be_plain_process();
    try {
        run_checks(run, workplace, first, pipe);
    } catch (const Error& error) {
        tell(pipe, "error " + std::to_string(static_cast<int>(error.kind())) + ' ' + printable(error.what()));
    }
    // What the plugin left at exit is not for this process's parent to run.
    ::_exit(0);
}

/// A child and what it has told.
class Child {
public:
    Child(const IsolatedRun& run, const Workplace& workplace, std::size_t first) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
        pid_ = ::fork();
        if (pid_ < 0) fail("fork");
        if (pid_ == 0) {
            ::close(ends[0]);
            be_child(run, workplace, first, ends[1]);
        }
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

    /// A whole line that was told, if there is one.
    std::optional<std::string> take_line() {
        const auto end = text_.find('\n');
        if (end == std::string::npos) return std::nullopt;
        auto line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
    }

    /// Until it tells more, or for `within`.
    void wait(std::chrono::milliseconds within) {
        pollfd readable{pipe_, POLLIN, 0};
        if (::poll(&readable, 1, static_cast<int>(within.count())) <= 0) return;
        char chunk[4096];
        const auto count = ::read(pipe_, chunk, sizeof chunk);
        if (count > 0) text_.append(chunk, static_cast<std::size_t>(count));
        if (count == 0) is_over_ = true;
    }

    /// It tells nothing any more.
    [[nodiscard]] bool is_over() const { return is_over_; }

    /// Ends it if it has not; how it ended.
    int end() {
        if (!is_over_) ::kill(-pid_, SIGKILL);
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        // What it has started and left.
        ::kill(-pid_, SIGKILL);
        pid_ = -1;
        return status;
    }

private:
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

/// How far the children got.
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

/// Runs checks from `progress.next` on. Gives why it could not go on, where there are some left.
std::optional<std::string> run_some(const IsolatedRun& run, const Workplace& workplace, Progress& progress) {
    Child child(run, workplace, progress.next);
    progress.names.clear();
    for (auto deadline = Clock::now() + run.limit; Clock::now() < deadline;) {
        while (const auto line = child.take_line()) {
            take(*line, run, progress);
            deadline = Clock::now() + run.limit;
        }
        if (child.is_over()) {
            const auto status = child.end();
            const bool is_done = !progress.names.empty() && progress.next == progress.names.size();
            return is_done ? std::nullopt : std::optional(how_it_ended(status));
        }
        if (run.is_stopped()) throw Error(ErrorKind::cancelled, "stopped before all checks were made");
        child.wait(std::chrono::milliseconds(100));
    }
    return "it did not return within " + std::to_string(run.limit.count() / 1000) + " s";
}

}  // namespace

void run_isolated(const IsolatedRun& run) {
    const Workplace workplace;
    prepare(run.settings_file, workplace);
    Progress progress;
    while (const auto problem = run_some(run, workplace, progress)) {
        const bool is_loaded = progress.next < progress.names.size();
        run.on_result({is_loaded ? progress.names[progress.next] : check_of_loading().name, Verdict::failed, *problem});
        ++progress.next;
        if (progress.next >= progress.names.size()) return;
    }
}

}  // namespace deployer::conformance
