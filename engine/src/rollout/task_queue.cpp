#include "rollout/task_queue.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace deployer {

void TaskQueue::add(Work work, Clock::time_point due, std::size_t number) {
    const std::lock_guard lock(mutex_);
    ++open_;
    push({std::move(work), due, number});
}

void TaskQueue::hurry() {
    const std::lock_guard lock(mutex_);
    is_hurried_ = true;
    changed_.notify_all();
}

void TaskQueue::run(std::size_t threads, const std::function<void(std::stop_token)>& attend) {
    {
        const std::lock_guard lock(mutex_);
        if (open_ == 0) return;
    }
    std::stop_source finished;
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < threads; ++i) {
        workers.emplace_back([this, finished]() mutable {
            carry_out_tasks();
            finished.request_stop();
        });
    }
    if (attend) attend(finished.get_token());
}

bool TaskQueue::comes_later(const Task& left, const Task& right) {
    return left.due != right.due ? left.due > right.due : left.number > right.number;
}

void TaskQueue::push(Task task) {
    waiting_.push_back(std::move(task));
    std::push_heap(waiting_.begin(), waiting_.end(), comes_later);
    changed_.notify_one();
}

std::optional<TaskQueue::Task> TaskQueue::take() {
    std::unique_lock lock(mutex_);
    while (open_ > 0) {
        if (waiting_.empty()) {
            changed_.wait(lock);
        } else if (const auto due = waiting_.front().due; due > Clock::now() && !is_hurried_) {
            changed_.wait_until(lock, due);
        } else {
            std::pop_heap(waiting_.begin(), waiting_.end(), comes_later);
            auto task = std::move(waiting_.back());
            waiting_.pop_back();
            return task;
        }
    }
    return std::nullopt;
}

void TaskQueue::carry_out_tasks() {
    while (auto task = take()) {
        const auto again = task->work();
        const std::lock_guard lock(mutex_);
        if (again) {
            task->due = Clock::now() + *again;
            push(*std::move(task));
        } else if (--open_ == 0) {
            changed_.notify_all();
        }
    }
}

}  // namespace deployer
