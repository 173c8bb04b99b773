#include <deployer/plugin.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace fs = std::filesystem;

namespace {

using deployer::Call;
using deployer::Error;
using deployer::ErrorKind;
using deployer::HealthReport;
using deployer::ServiceGroupRef;
using Clock = std::chrono::steady_clock;
using Verdict = HealthReport::Verdict;

constexpr std::chrono::milliseconds look_every{10};

/// Options for starting a program: it leads a process group of its own, so that it can be ended together with all its
/// children; its standard streams are /dev/null, and its signals have their default actions.
class StartOptions {
public:
    StartOptions() {
        ::posix_spawn_file_actions_init(&files_);
        ::posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&files_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_adddup2(&files_, STDOUT_FILENO, STDERR_FILENO);
        sigset_t signals{};
        sigemptyset(&signals);
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setsigmask(&attributes_, &signals);
        sigfillset(&signals);
        ::posix_spawnattr_setsigdefault(&attributes_, &signals);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        constexpr int flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        ::posix_spawnattr_setflags(&attributes_, flags);
    }
    ~StartOptions() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&files_);
    }
    StartOptions(const StartOptions&) = delete;
    StartOptions& operator=(const StartOptions&) = delete;
    StartOptions(StartOptions&&) = delete;
    StartOptions& operator=(StartOptions&&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* files() const { return &files_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    posix_spawn_file_actions_t files_{};
    posix_spawnattr_t attributes_{};
};

/// A running program. The destructor ends the program if it still runs, and leaves no zombie behind.
class Child {
public:
    explicit Child(std::vector<std::string> words) {
        std::vector<char*> arguments;
        arguments.reserve(words.size() + 1);
        for (auto& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        const StartOptions options;
        const int error =
            ::posix_spawn(&pid_, arguments[0], options.files(), options.attributes(), arguments.data(), environ);
        if (error == 0) return;
        const bool may_pass = error == EAGAIN || error == ENOMEM;
        throw Error(may_pass ? ErrorKind::unavailable : ErrorKind::misconfigured,
                    "cannot run " + words.front() + ": " + std::generic_category().message(error));
    }
    ~Child() {
        if (is_reaped_) return;
        ::kill(-pid_, SIGKILL);
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    Child(Child&&) = delete;
    Child& operator=(Child&&) = delete;

    /// The program's status as waitpid(2) gives it; nullopt while the program runs.
    std::optional<int> status() {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
        is_reaped_ = true;
        return status;
    }

private:
    pid_t pid_ = -1;
    bool is_reaped_ = false;
};

HealthReport judge(const std::string& program, int status) {
    if (WIFSIGNALED(status)) {
        return {Verdict::unhealthy, program + " was ended by signal " + std::to_string(WTERMSIG(status))};
    }
    if (WEXITSTATUS(status) == 0) return {Verdict::healthy, program + " says so"};
    return {Verdict::unhealthy, program + " ended with status " + std::to_string(WEXITSTATUS(status))};
}

/// Runs a program to check each service. The object never changes, so any thread may call at any time.
class CommandHealth final : public deployer::Health {
public:
    explicit CommandHealth(const deployer::Settings& settings) {
        settings.describe("path", "",
                          "The directory of the programs. A program with a service's name is that service's check; a "
                          "service without one has no check.");
        directory_ = settings.path("path");
        settings.describe("timeout", "`10s`",
                          "How long a program may take. After that it is ended, and the service is unhealthy.");
        timeout_ = settings.find_duration("timeout").value_or(std::chrono::seconds(10));
        if (timeout_.count() == 0) settings.fail("timeout", "has to be longer than 0");
    }

    HealthReport check(const ServiceGroupRef& service, const Call& call) override {
        const auto program = (directory_ / service.service).string();
        if (!is_there(program)) return {Verdict::not_checked, "there is no " + program};
        std::vector<std::string> words{program};
        words.insert(words.end(), service.units.begin(), service.units.end());
        const auto end = std::min(call.deadline, Clock::now() + timeout_);
        Child child(words);
        while (Clock::now() < end && call.wait(look_every)) {
            if (const auto status = child.status()) return judge(program, *status);
        }
        if (call.stop.stop_requested()) throw Error(ErrorKind::cancelled, "running " + program + " was stopped");
        return {Verdict::unhealthy, program + " did not end in time"};
    }

private:
    /// Whether the program exists. Throws when the directory cannot be read, because then nobody can tell.
    [[nodiscard]] bool is_there(const fs::path& program) const {
        std::error_code error;
        if (fs::is_regular_file(program, error)) return true;
        if (!fs::is_directory(directory_, error)) {
            throw Error(ErrorKind::unavailable,
                        "cannot look into " + directory_.string() + ": " + (error ? error.message() : "no directory"));
        }
        return false;
    }

    fs::path directory_;
    std::chrono::milliseconds timeout_{};
};

}  // namespace

DEPLOYER_PLUGIN(deployer::Health, CommandHealth, "health-command", "1.0.0");
