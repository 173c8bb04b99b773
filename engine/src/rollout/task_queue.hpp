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
/// queue, so a wait keeps no thread. Any thread may add tasks; tasks may, too.
class TaskQueue {
public:
    using Clock = std::chrono::steady_clock;

    /// A part of a task, at best one or two calls to the target. Returns after how long (ms) it is to be called again;
    /// nullopt: the task has ended. Must not throw.
    using Work = std::function<std::optional<std::chrono::milliseconds>()>;

    /// Of tasks that are due at the same time, the one with the lowest number goes first.
    void add(Work work, Clock::time_point due, std::size_t number = 0);

    /// From now on no task waits until it is due: the run is ending, and each task ends at its next turn.
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
