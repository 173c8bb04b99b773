#pragma once

#include "rollout/absence_check.hpp"
#include "rollout/choose_step.hpp"
#include "rollout/judgement.hpp"
#include "rollout/run_tools.hpp"
#include "rollout/settling.hpp"
#include "rollout/step_run.hpp"
#include "rollout/way_back.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace deployer {

/// Takes a group through its stages in one run of a rollout. Each stage adds tasks to the run's queue. When these tasks
/// have ended, the next stage begins.
class GroupRun {
public:
    /// Group, `health_turn` and tools must outlive the GroupRun. `health_turn` belongs to the service: it keeps two
    /// gates from asking for the service's health at once.
    GroupRun(const RolloutGroup& group, std::mutex& health_turn, const RunTools& tools);

    /// Adds the first tasks.
    void start();

    /// The outcome, after the run; nullopt if it follows from the results of the changes.
    [[nodiscard]] std::optional<GroupOutcome> outcome() const;

private:
    enum class Stage { created, confirming, settling, rolling, judging, returning, over };

    void add(TaskQueue::Work work, std::size_t number = 0);
    std::optional<std::chrono::milliseconds> carry_out(const TaskQueue::Work& work);
    void go_on();
    void begin_steps();

    std::optional<std::chrono::milliseconds> confirm();
    std::optional<std::chrono::milliseconds> settle();
    std::optional<std::chrono::milliseconds> roll(std::optional<StepRun>& step);
    void judge();
    std::optional<std::chrono::milliseconds> put_back();

    [[nodiscard]] std::size_t choose_step();
    [[nodiscard]] Worth worth_of(std::size_t step);
    [[nodiscard]] bool is_up(const Change& change);
    void note(const StepEnd& end);
    void note_way_back();
    void set_obstacle(const std::string& why);
    [[nodiscard]] std::string why_not();
    void note_superseded();

    const RolloutGroup& group_;
    std::mutex& health_turn_;
    const RunTools& tools_;

    // Only the single task of the stage uses each of these members.
    std::optional<AbsenceCheck> absence_;
    std::optional<Settling> settling_;
    std::optional<WayBack> way_back_;

    std::mutex choosing_;  ///< the next step is chosen by one task at a time
    std::mutex mutex_;     ///< guards all below; judge(), the only task of its time, does without
    Stage stage_ = Stage::created;
    std::deque<std::size_t> waiting_;  ///< steps that have not begun
    std::vector<std::size_t> begun_;   ///< steps in the order in which they began
    std::size_t tasks_ = 0;            ///< tasks that have not ended
    std::size_t claims_ = 0;           ///< tasks that have not ended and will begin a step
    bool is_open_;                     ///< more than the first step may begin
    GroupFate fate_;
};

}  // namespace deployer
