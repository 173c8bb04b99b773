#include "rollout/group_run.hpp"

#include "rollout/group_changes.hpp"
#include "rollout/step_changes.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

namespace deployer {

using std::chrono::milliseconds;

GroupRun::GroupRun(const RolloutGroup& group, std::mutex& health_turn, const RunTools& tools)
    : group_(group), health_turn_(health_turn), tools_(tools), is_open_(!group.canary) {
    for (std::size_t i = 0; i < group.steps.size(); ++i) waiting_.push_back(i);
}

void GroupRun::start() {
    const std::lock_guard lock(mutex_);
    go_on();
}

std::optional<GroupOutcome> GroupRun::outcome() const {
    return outcome_of(group_, fate_, tools_.results, tools_.ending.why());
}

// ---- From stage to stage. add(), go_on() and begin_steps() are called with the lock. ----

void GroupRun::add(TaskQueue::Work work, std::size_t number) {
    ++tasks_;
    // The first tasks of all groups get the earliest possible time, so that they begin in the order of the plan.
    const bool is_first = begun_.empty() && !way_back_;
    const auto due = is_first ? TaskQueue::Clock::time_point() : TaskQueue::Clock::now();
    tools_.queue.add([this, work = std::move(work)] { return carry_out(work); }, due, number);
}

std::optional<milliseconds> GroupRun::carry_out(const TaskQueue::Work& work) {
    try {
        if (const auto again = work()) return again;
    } catch (const std::exception& exception) {
        // A failed change is a result and not an exception. This exception comes from a subscriber of events, or memory
        // has run out.
        tools_.ending.interrupt(Error(ErrorKind::internal, exception.what()));
    }
    const std::lock_guard lock(mutex_);
    --tasks_;
    go_on();
    return std::nullopt;
}

void GroupRun::go_on() {
    if (stage_ == Stage::created) {
        stage_ = Stage::confirming;
        if (creates_all(group_, tools_.results)) {
            absence_.emplace(units_made(group_.steps.front(), tools_.results).front(), tools_);
            return add([this] { return confirm(); });
        }
    }
    if (stage_ == Stage::confirming) {
        stage_ = Stage::settling;
        if (!group_.settled.empty()) {
            settling_.emplace(group_, health_turn_, tools_);
            return add([this] { return settle(); });
        }
    }
    if (stage_ == Stage::settling) stage_ = Stage::rolling;
    if (stage_ == Stage::rolling) {
        begin_steps();
        if (tasks_ > 0) return;
        stage_ = Stage::judging;
        if (!fate_.verdict.empty()) {
            return add([this] {
                judge();
                return std::nullopt;
            });
        }
    }
    if (stage_ == Stage::judging) {
        stage_ = Stage::returning;
        if (way_back_) return add([this] { return put_back(); });
    }
    stage_ = Stage::over;
}

void GroupRun::begin_steps() {
    const auto at_once = is_open_ ? group_.at_once : 1;
    while (tasks_ < at_once && claims_ < waiting_.size()) {
        const auto& step = group_.steps[waiting_[claims_]];
        ++claims_;
        add([this, run = std::make_shared<std::optional<StepRun>>()] { return roll(*run); }, step.changes.front());
    }
}

// ---- The tasks of the stages ----

std::optional<milliseconds> GroupRun::confirm() {
    if (const auto again = absence_->look()) return again;
    if (!absence_->obstacle().empty()) set_obstacle(absence_->obstacle());
    const std::lock_guard lock(mutex_);
    fate_.is_there = absence_->is_there();
    return std::nullopt;
}

std::optional<milliseconds> GroupRun::settle() {
    if (const auto again = settling_->go_on()) return again;
    if (settling_->is_well()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    if (!settling_->obstacle().empty()) fate_.obstacle = settling_->obstacle();
    fate_.verdict = settling_->verdict();
    note_superseded();
    return std::nullopt;
}

std::optional<milliseconds> GroupRun::roll(std::optional<StepRun>& step) {
    if (!step) {
        step.emplace(group_, choose_step(), health_turn_, tools_);
        if (const auto why = why_not(); !why.empty()) {
            step->skip(why);
            tell_ends(step->step(), tools_);
            return std::nullopt;
        }
    }
    if (const auto again = step->go_on()) return again;
    note(step->end());
    tell_ends(step->step(), tools_);
    return std::nullopt;
}

/// Books the verdict before any unit is put back, so that a kill after that does not make the deployer try this content
/// again (R43).
void GroupRun::judge() {
    // With `on_timeout: continue` the verdict is booked only after all other steps had their turn, perhaps in a later
    // cycle.
    if (group_.on_timeout == OnTimeout::go_on && !is_through(group_, tools_.results, tools_.ending.is_requested())) {
        fate_.verdict.clear();
        return;
    }
    auto returns = returns_of(group_, begun_, tools_.results);
    try {
        tools_.book({group_.service, outcome_of_verdict(group_, !returns.empty()), fate_.verdict});
    } catch (const Error& error) {
        tools_.ending.interrupt(error);
        return;
    }
    if (returns.empty()) return;
    fate_.is_put_back = true;
    way_back_.emplace(group_.service, std::move(returns), fate_.verdict, health_turn_, tools_);
}

std::optional<milliseconds> GroupRun::put_back() {
    try {
        if (const auto again = way_back_->go_on()) return again;
    } catch (const std::exception& exception) {
        way_back_->give_up(exception.what());
        note_way_back();
        throw;
    }
    note_way_back();
    return std::nullopt;
}

// ---- Which step begins ----

std::size_t GroupRun::choose_step() {
    const std::lock_guard choosing(choosing_);
    const auto waiting = [&] {
        const std::lock_guard lock(mutex_);
        return waiting_;
    }();
    const bool spares_nodes = group_.kind == GroupKind::node_by_node && why_not().empty();
    const auto chosen =
        spares_nodes ? choose_neediest(waiting, [&](auto step) { return worth_of(step); }) : waiting.front();
    const std::lock_guard lock(mutex_);
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), chosen));
    --claims_;
    begun_.push_back(chosen);
    return chosen;
}

Worth GroupRun::worth_of(std::size_t step) {
    auto worth = Worth::up;
    for (const auto index : group_.steps[step].changes) {
        const auto& change = tools_.results[index].change;
        if (is_sidekick(change.unit)) continue;
        if (is_create(change.kind) || !is_up(change)) return Worth::down;
        if (is_unproven(group_, change.unit)) worth = Worth::unproven;
    }
    return worth;
}

bool GroupRun::is_up(const Change& change) {
    const DeployedUnit former{change.unit, change.former, change.former_state};
    try {
        const auto status = tools_.rollout.target.status(as_unit(former), tools_.rollout.calls.make());
        return status.readiness == Readiness::ready;
    } catch (const Error& error) {
        tools_.ending.interrupt_if_hopeless(error);
        return false;
    }
}

// ---- The group's fate ----

void GroupRun::note(const StepEnd& end) {
    if (!end.obstacle.empty()) set_obstacle(end.obstacle);
    const std::lock_guard lock(mutex_);
    is_open_ = is_open_ || end.opens_group;
    if (fate_.verdict.empty()) fate_.verdict = end.verdict;
}

void GroupRun::note_way_back() {
    if (way_back_->not_restored().empty()) return;
    const std::lock_guard lock(mutex_);
    fate_.not_restored = way_back_->not_restored();
    note_superseded();
}

void GroupRun::set_obstacle(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (fate_.obstacle.empty()) fate_.obstacle = why;
    note_superseded();
}

/// Why no step of the group may begin; empty when nothing stands in the way.
std::string GroupRun::why_not() {
    auto why = tools_.ending.why();
    const std::lock_guard lock(mutex_);
    if (why.empty()) return fate_.obstacle;
    note_superseded();
    return why;
}

/// To be called with the lock.
void GroupRun::note_superseded() {
    if (tools_.ending.is_superseded()) fate_.is_superseded = true;
}

}  // namespace deployer
