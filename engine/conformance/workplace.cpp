#include "conformance/workplace.hpp"

#include <deployer/error.hpp>

#include <sys/wait.h>

#include <spawn.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <thread>

namespace deployer::conformance {
namespace {

std::string error_text(int number) {
    return std::generic_category().message(number);
}

/// Starts a shell in a process group of its own, with no signal blocked.
pid_t start_shell(const std::string& key, std::string directory, const std::string& commands) {
    std::string script = R"(cd "$0" && exec 1>&2 </dev/null)"
                         "\n" +
                         commands;
    std::string name = "sh";
    std::string option = "-c";
    std::array<char*, 5> words{name.data(), option.data(), script.data(), directory.data(), nullptr};
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    pid_t shell = -1;
    const int error = ::posix_spawn(&shell, "/bin/sh", nullptr, &attributes, words.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    if (error == 0) return shell;
    throw Error(ErrorKind::misconfigured, "cannot run " + key + ": /bin/sh: " + error_text(error));
}

}  // namespace

Workplace::Workplace() {
    auto name = (std::filesystem::canonical(std::filesystem::temp_directory_path()) / "plugin-check-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw Error(ErrorKind::unavailable, "cannot make the directory " + name + ": " + error_text(errno));
    }
    path_ = name;
}

Workplace::~Workplace() {
    for (const auto group : groups_) ::kill(-group, SIGKILL);
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string Workplace::word() const {
    const auto name = path_.filename().string();
    return name.substr(name.rfind('-') + 1);
}

void Workplace::run(const std::string& key, const std::string& commands,
                    const std::function<bool()>& is_stopped) const {
    const auto shell = start_shell(key, path_.string(), commands);
    groups_.push_back(shell);
    int status = 0;
    while (::waitpid(shell, &status, WNOHANG) != shell) {
        if (is_stopped()) {
            ::kill(-shell, SIGKILL);
            (void)::waitpid(shell, &status, 0);
            throw Error(ErrorKind::cancelled, "stopped before the commands of " + key + " had ended");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    const auto how = WIFEXITED(status) ? "ended with status " + std::to_string(WEXITSTATUS(status))
                                       : "ended by signal " + std::to_string(WTERMSIG(status));
    throw Error(ErrorKind::misconfigured, "the commands of " + key + " " + how);
}

}  // namespace deployer::conformance
