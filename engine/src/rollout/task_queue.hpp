#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

namespace deployer {

/// The tasks of one run of a rollout, and the threads that carry them out. A task that has to wait goes back into the
/// queue, so a wait occupies no thread. Any thread may add tasks, also from within a task.
class TaskQueue {
public:
    using Clock = std::chrono::steady_clock;

    /// Carries out a part of a task, preferably with only one or two calls to the target. Returns the pause before the
    /// next call; nullopt: the task has ended. Must not throw.
    using Work = std::function<std::optional<std::chrono::milliseconds>()>;

    /// Adds a task. Of tasks that are due at the same time, the task with the lowest number goes first.
    void add(Work work, Clock::time_point due, std::size_t number = 0);

    /// Makes all tasks due at once, from now on. To be called when the run is ending: each task ends at its next call.
    void hurry();

    /// Carries out all tasks, and those that they add, on at most `threads` threads. Calls `attend` on this thread
    /// meanwhile, if there is any task; the token is stopped when the last task has ended. Returns after both.
    void run(std::size_t threads, const std::function<void(std::stop_token)>& attend);

private:
    struct Task {
        Work work;
        Clock::time_point due;
        std::size_t number = 0;
    };
    static bool comes_later(const Task& left, const Task& right);
    void push(Task task);
    std::optional<Task> take();
    void carry_out_tasks();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Task> waiting_;  ///< a heap; the next task is the first
    std::size_t open_ = 0;       ///< tasks that have not ended
    bool is_hurried_ = false;
};

}  // namespace deployer
