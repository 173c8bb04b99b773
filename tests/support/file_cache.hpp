#pragma once

#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/loaded_plugin.hpp"
#include "support/small_disk.hpp"
#include "support/temp_dir.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"
#include "support/unprivileged.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace deployer::file_cache {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

inline std::shared_ptr<Cache> cache_at(const fs::path& directory) {
    return load_cache("cache-file", "path: '" + directory.string() + "'\n");
}

inline unsigned mode_of(const fs::path& path) {
    return static_cast<unsigned>(fs::symlink_status(path).permissions());
}

inline Names names_in(const fs::path& directory) {
    Names names;
    for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

/// A process with its own cache, as another deployer has. It tells the test each time after it has used the cache.
class OtherProcess {
public:
    template <class Action>
    explicit OtherProcess(const Action& action) {
        if (::pipe(pipe_.data()) != 0) throw std::runtime_error("no pipe");
        pid_ = ::fork();
        if (pid_ != 0) {
            ::close(pipe_[1]);
            return;
        }
        try {
            action([this] { return ::write(pipe_[1], "x", 1) == 1; });
            ::pause();
        } catch (const std::exception&) {
            // The test notices the end of the process as the end of the pipe.
        }
        ::_exit(1);
    }
    ~OtherProcess() { kill(); }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;
    OtherProcess(OtherProcess&&) = delete;
    OtherProcess& operator=(OtherProcess&&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// False when the process has ended.
    [[nodiscard]] bool wait_until_told() const {
        char byte = 0;
        return ::read(pipe_[0], &byte, 1) == 1;
    }

    void kill() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        ::close(pipe_[0]);
        pid_ = -1;
    }

private:
    std::array<int, 2> pipe_{};
    pid_t pid_ = -1;
};

}  // namespace deployer::file_cache
