#pragma once

#include "support/temp_dir.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace deployer {

/// Waits until `happened` is true; false after a timeout that only a hang reaches.
inline bool eventually(const std::function<bool()>& happened,
                       std::chrono::seconds patience = std::chrono::seconds(60)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!happened()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

/// The built program, running as a process of its own. The destructor ends it if it still runs.
class Program {
public:
    explicit Program(const std::vector<std::string>& arguments, const std::string& executable = DEPLOYER_TEST_PROGRAM) {
        std::vector<std::string> words{executable};
        words.insert(words.end(), arguments.begin(), arguments.end());
        std::vector<char*> argv;
        argv.reserve(words.size() + 1);
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        const auto out = (files_.path() / "out").string();
        const auto err = (files_.path() / "err").string();
        pid_ = fork();
        if (pid_ < 0) throw std::runtime_error("cannot fork");
        if (pid_ == 0) {
            const auto redirect = [](const std::string& file, int to) {
                dup2(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), to);
            };
            redirect(out, STDOUT_FILENO);
            redirect(err, STDERR_FILENO);
            execv(argv[0], argv.data());
            _exit(127);
        }
    }
    ~Program() {
        if (!status_) {
            ::kill(pid_, SIGKILL);
            (void)wait_status(0);
        }
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    Program(Program&&) = delete;
    Program& operator=(Program&&) = delete;

    void send(int signal) const { ::kill(pid_, signal); }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool ended() { return status_ || wait_status(WNOHANG); }

    /// Waits for the end and returns the exit status, or minus the signal that ended the program. Throws after a
    /// timeout that only a hang reaches.
    int wait(std::chrono::seconds patience = std::chrono::seconds(120)) {
        if (!eventually([&] { return ended(); }, patience))
            throw std::runtime_error("the program does not end: " + err());
        return *status_;
    }

    [[nodiscard]] std::string out() const { return read("out"); }
    [[nodiscard]] std::string err() const { return read("err"); }

private:
    bool wait_status(int options) {
        int status = 0;
        if (waitpid(pid_, &status, options) != pid_) return false;
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        return true;
    }
    [[nodiscard]] std::string read(const std::string& name) const {
        return std::filesystem::exists(files_.path() / name) ? files_.read(name) : std::string();
    }

    TempDir files_;
    pid_t pid_ = -1;
    std::optional<int> status_;
};

}  // namespace deployer
