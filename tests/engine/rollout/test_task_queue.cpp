#include "rollout/task_queue.hpp"

#include "support/catch.hpp"
#include "support/rollout_scene.hpp"

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Work = TaskQueue::Work;

/// A task that notes its name and ends.
Work noting(std::vector<std::string>& notes, const std::string& name) {
    return [&notes, name] {
        notes.push_back(name);
        return std::nullopt;
    };
}

}  // namespace

TEST_CASE("tasks begin when they are due, and of those due at once the lowest number first", "[concurrent]") {
    TaskQueue queue;
    std::vector<std::string> notes;
    const auto now = TaskQueue::Clock::now();
    queue.add(noting(notes, "later"), now + 20ms);
    queue.add(noting(notes, "second"), {}, 2);
    queue.add(noting(notes, "first"), {}, 1);
    queue.run(1, {});
    CHECK(notes == std::vector<std::string>{"first", "second", "later"});
    CHECK(TaskQueue::Clock::now() >= now + 20ms);
}

TEST_CASE("a task that adds another one before it ends keeps the queue going", "[concurrent]") {
    TaskQueue queue;
    std::vector<std::string> notes;
    queue.add(
        [&] {
            queue.add(noting(notes, "added"), {});
            return std::nullopt;
        },
        {});
    queue.run(2, {});
    CHECK(notes == std::vector<std::string>{"added"});
}

TEST_CASE("a hurried queue waits for no task to be due", "[concurrent]") {
    TaskQueue queue;
    int turns = 0;
    queue.add(
        [&]() -> std::optional<std::chrono::milliseconds> {
            if (++turns > 2) return std::nullopt;
            return 1h;
        },
        {});
    queue.run(1, [&](const std::stop_token& finished) {
        CHECK_FALSE(finished.stop_requested());
        queue.hurry();
    });
    CHECK(turns == 3);
}

TEST_CASE("a queue without tasks calls nobody", "[concurrent]") {
    TaskQueue queue;
    bool is_called = false;
    queue.run(4, [&](const std::stop_token&) { is_called = true; });
    CHECK_FALSE(is_called);
}

TEST_CASE("a wait keeps no thread: with a single one, a service that waits for another is not in its way",
          "[R40][concurrent]") {
    RolloutScene scene(3);
    scene.policy.parallelism = 1;
    for (int i = 0; i < 20; ++i) {
        const auto service = "bar" + std::to_string(i);
        scene.have(service + ".service", "v1");
        scene.want(service + ".service", "v2");
        scene.rules(service).sequential = true;
    }
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
        // A bar service is ready only once the last unit of the rollout was changed.
        const bool last_is_there = scene.target.count("apply foo@3.service") > 0;
        const bool is_bar = unit.name.rfind("bar", 0) == 0;
        return is_bar && is_version(unit, "v2") && !last_is_there ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    scene.roll_out();
    for (const auto& result : scene.results) CHECK(result.status == ChangeStatus::done);
}
