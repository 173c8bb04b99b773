#pragma once

#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/mock_cluster.hpp"
#include "support/small_disk.hpp"
#include "support/thrown_error.hpp"
#include "support/unprivileged.hpp"

#include <deployer/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace deployer::mock_state_file {

inline std::string node(int number) {
    return "foo@" + std::to_string(number) + ".service";
}

/// Calls `action` with 0 to `count` - 1 from several threads. Returns the number of calls that threw.
inline int run_from_threads(int threads, int count, const std::function<void(int)>& action) {
    std::atomic<int> next = 0;
    std::atomic<int> failures = 0;
    std::vector<std::jthread> running;
    running.reserve(static_cast<std::size_t>(threads));
    for (int thread = 0; thread < threads; ++thread) {
        running.emplace_back([&] {
            for (int number = next++; number < count; number = next++) {
                try {
                    action(number);
                } catch (const Error&) {
                    ++failures;
                }
            }
        });
    }
    running.clear();
    return failures;
}

/// Holds the lock of a file, as another process does.
class FileLock {
public:
    explicit FileLock(const std::string& file)
        : descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {  // NOLINT(*-vararg)
        REQUIRE(::flock(descriptor_, LOCK_EX) == 0);
    }
    ~FileLock() { ::close(descriptor_); }
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    FileLock(FileLock&&) = delete;
    FileLock& operator=(FileLock&&) = delete;

private:
    int descriptor_;
};

/// Repeats `action` in another process, kills that process after `pause`, and waits for its end.
inline void kill_during(const std::function<void(int)>& action, std::chrono::microseconds pause) {
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        try {
            for (int round = 0;; ++round) action(round);
        } catch (...) {
            ::_exit(1);
        }
    }
    std::this_thread::sleep_for(pause);
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    // The process must have been killed. If `action` had failed before, the test would show nothing.
    REQUIRE(WIFSIGNALED(status));
}

}  // namespace deployer::mock_state_file
