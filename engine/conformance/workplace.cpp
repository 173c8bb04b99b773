#include "workplace.hpp"

#include <deployer/error.hpp>

#include <sys/wait.h>

#include <spawn.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace deployer::conformance {
namespace {

std::string error_text(int number) {
    return std::generic_category().message(number);
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
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void Workplace::run(const std::string& key, const std::string& commands) const {
    std::string script = "cd \"$0\" && exec 1>&2 </dev/null\n" + commands;
    std::string directory = path_.string();
    std::array<char*, 5> words{const_cast<char*>("sh"), const_cast<char*>("-c"), script.data(), directory.data(),
                               nullptr};
    pid_t shell = -1;
    if (const int error = ::posix_spawn(&shell, "/bin/sh", nullptr, nullptr, words.data(), environ); error != 0) {
        throw Error(ErrorKind::misconfigured, "cannot run " + key + ": /bin/sh: " + error_text(error));
    }
    int status = 0;
    while (::waitpid(shell, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    const auto how = WIFEXITED(status) ? "ended with status " + std::to_string(WEXITSTATUS(status))
                                       : "ended by signal " + std::to_string(WTERMSIG(status));
    throw Error(ErrorKind::misconfigured, "the commands of " + key + " " + how);
}

}  // namespace deployer::conformance
