#include "rollout/rollout.hpp"

#include "rollout/choose_step.hpp"
#include "rollout/gate.hpp"
#include "rollout/restart.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <queue>
#include <thread>
#include <utility>

namespace deployer {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Unit unit_of(const std::string& name, const SharedContent& content, DesiredState state) {
    return {name, content->options, state};
}

/// Whether the target may have it.
bool is_attempted(const ChangeResult& result) {
    return result.status == ChangeStatus::done || result.status == ChangeStatus::failed ||
           result.status == ChangeStatus::broken_off;
}

/// With the target out of reach, or with a configuration that it does not accept, every call would fail alike.
bool is_hopeless(const Error& error) {
    return error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::misconfigured;
}

}  // namespace

/// One call of Rollout::run: what its threads share.
///
/// A group goes through its stages by tasks, each of which is a call or two to the target. A task that has to wait goes
/// back into the queue, so that waiting keeps no thread.
class Rollout::Run {
public:
    explicit Run(Rollout& rollout)
        : rollout_(rollout),
          tools_(rollout.tools_),
          gate_tools_{tools_.target,
                      tools_.health,
                      tools_.calls,
                      tools_.events,
                      std::max<std::size_t>(1, tools_.policy.stable_samples),
                      tools_.policy.timeout,
                      tools_.policy.placement_grace,
                      tools_.before_restart},
          status_tools_(gate_tools_),
          on_stop_(tools_.calls.stop, [this] { end_early(); }),
          on_overtaken_(rollout.overtaken_.get_token(), [this] { wake(); }) {
        status_tools_.health = nullptr;
    }

    RolloutEnd operator()(const std::vector<RolloutGroup>& plans, const std::function<void(std::stop_token)>& attend) {
        {
            const std::lock_guard lock(mutex_);
            for (const auto& plan : plans) {
                groups_.push_back(std::make_unique<Group>(plan));
                auto& turn = turns_[plan.service];
                if (!turn) turn = std::make_shared<std::mutex>();
                groups_.back()->turn = turn;
                go_on(*groups_.back());
            }
        }
        const auto most = tools_.target.serial() ? 1 : std::max<std::size_t>(1, tools_.policy.parallelism);
        std::size_t useful = plans.size();
        for (const auto& plan : plans) useful += plan.steps.size();
        const auto some = open_tasks_ == 0 ? 0 : std::min(most, useful);
        std::stop_source finished;
        std::vector<std::jthread> workers;
        for (std::size_t i = 0; i < some; ++i) {
            workers.emplace_back([this, finished]() mutable {
                work();
                finished.request_stop();
            });
        }
        if (attend && some > 0) attend(finished.get_token());
        workers.clear();
        for (const auto& group : groups_) tell_end(*group);
        end_.overtaken = is_superseded();
        return std::move(end_);
    }

private:
    enum class Stage { confirming, settling, rolling, judging, restoring, over };
    enum class Kind { confirm, settle, begin, wait, judge, restore, wait_restored };

    /// What a node goes back to.
    struct Return {
        std::vector<DeployedUnit> units;       ///< as they were
        std::vector<DeployedUnit> companions;  ///< units of the node that were not changed
        std::vector<std::size_t> results;      ///< of the changes that this undoes; none for an earlier cycle's
    };

    /// What is known of a group while it is rolled out. What a task does not own is guarded by the Run's mutex.
    struct Group {
        explicit Group(const RolloutGroup& rollout_plan) : plan(rollout_plan), is_open(!rollout_plan.canary) {
            for (std::size_t i = 0; i < plan.steps.size(); ++i) waiting.push_back(i);
        }

        const RolloutGroup& plan;
        std::optional<Stage> stage;
        std::deque<std::size_t> waiting;  ///< steps that have not begun
        std::vector<std::size_t> begun;
        std::size_t tasks = 0;           ///< queued or under way
        std::size_t claims = 0;          ///< those of them that will begin a step
        bool is_open;                    ///< more than the first step may begin
        std::string obstacle;            ///< why no other step begins; empty: nothing stands in the way
        std::string verdict;             ///< what was not ready in time, or never will be; empty: nothing
        bool is_there = false;           ///< although the listing lacks it
        bool is_superseded = false;      ///< and not through
        bool is_returning = false;       ///< what was changed is put back
        std::vector<Return> to_restore;  ///< the next one last
        std::optional<std::vector<Restart>> restarts{};  ///< of units that failed, once somebody asked for it
        std::string not_restored;                        ///< what could not be put back
        std::mutex choosing;                             ///< of the next step
        std::shared_ptr<std::mutex> turn;                ///< of the service, at its health
    };

    struct Task {
        Kind kind;
        Group* group;
        std::size_t step = 0;
        Clock::time_point due{};
        std::size_t number = 0;  ///< of equally due ones, the lowest goes first
        std::size_t looks = 0;   ///< at what is to be absent
        std::shared_ptr<Gate> gate = nullptr;
        std::shared_ptr<Return> way_back = nullptr;

        bool operator<(const Task& other) const { return due != other.due ? due > other.due : number > other.number; }
    };

    // ---- The queue. Everything here but work() and take() is called with the lock. ----

    void add(Kind kind, Group& group, std::size_t number = 0) {
        // Whatever can begin is due since ever, in the order of the plan.
        add(Task{kind, &group, 0, group.begun.empty() ? Clock::time_point() : Clock::now(), number});
    }

    void add(Task task) {
        ++task.group->tasks;
        ++open_tasks_;
        queue_.push(std::move(task));
        changed_.notify_one();
    }

    std::optional<Task> take() {
        std::unique_lock lock(mutex_);
        while (open_tasks_ > 0) {
            if (queue_.empty()) {
                changed_.wait(lock);
            } else if (const auto due = queue_.top().due; due > Clock::now() && !is_ending()) {
                changed_.wait_until(lock, due);
            } else {
                auto task = queue_.top();
                queue_.pop();
                return task;
            }
        }
        return std::nullopt;
    }

    void work() {
        while (auto task = take()) {
            std::optional<milliseconds> again;
            try {
                again = carry_out(*task);
            } catch (const std::exception& exception) {
                // Not a failed change, those are results: an event's subscriber, or memory.
                interrupt(Error(ErrorKind::internal, exception.what()));
            }
            const std::lock_guard lock(mutex_);
            if (again) {
                task->due = Clock::now() + *again;
                queue_.push(*std::move(task));
                changed_.notify_one();
                continue;
            }
            --task->group->tasks;
            go_on(*task->group);
            if (--open_tasks_ == 0) changed_.notify_all();
        }
    }

    /// Adds what comes next for the group.
    void go_on(Group& group) {
        if (group.stage == Stage::over) return;
        if (!group.stage) {
            group.stage = Stage::confirming;
            if (group.plan.confirms_absence) return add(Kind::confirm, group);
        }
        if (group.stage == Stage::confirming) {
            group.stage = Stage::settling;
            if (!group.plan.settled.empty()) return add(Kind::settle, group);
        }
        if (group.stage == Stage::settling) group.stage = Stage::rolling;
        if (group.stage == Stage::rolling) {
            begin_steps(group);
            if (group.tasks > 0) return;
            group.stage = Stage::judging;
            if (!group.verdict.empty()) return add(Kind::judge, group);
        }
        if (group.tasks > 0) return;
        group.stage = Stage::restoring;
        if (group.to_restore.empty()) {
            group.stage = Stage::over;
            return;
        }
        Task task{Kind::restore, &group, 0, Clock::now()};
        task.way_back = std::make_shared<Return>(std::move(group.to_restore.back()));
        group.to_restore.pop_back();
        add(std::move(task));
    }

    void begin_steps(Group& group) {
        const auto at_once = group.is_open ? group.plan.at_once : 1;
        while (group.tasks < at_once && group.claims < group.waiting.size()) {
            const auto& step = group.plan.steps[group.waiting[group.claims]];
            ++group.claims;
            add(Kind::begin, group, step.changes.front());
        }
    }

    // ---- What tasks do, and after how long again; nullopt: they have ended. ----

    std::optional<milliseconds> carry_out(Task& task) {
        auto& group = *task.group;
        switch (task.kind) {
            case Kind::confirm:
                return confirm_absence(task);
            case Kind::settle:
                if (!task.gate) {
                    if (const auto again = restart_failed(group)) return again;
                    task.gate = make_gate(group, group.plan.settled, group.plan.companions);
                }
                return wait_for_settled(group, *task.gate);
            case Kind::begin:
                return begin(task);
            case Kind::wait:
                return wait(task);
            case Kind::judge:
                judge(group);
                return std::nullopt;
            case Kind::restore:
                return restore(task);
            case Kind::wait_restored:
                return wait_restored(task);
        }
        return std::nullopt;
    }

    /// A listing that lacks a whole service would let all its nodes be replaced at once. What was just destroyed may
    /// show for a moment; what is there at several looks ends the rollout of this service alone.
    std::optional<milliseconds> confirm_absence(Task& task) {
        if (is_ending()) return std::nullopt;
        auto& group = *task.group;
        const auto& change = change_of(group.plan.steps.front().changes.front());
        try {
            const auto status =
                tools_.target.status(unit_of(change.unit, change.content, change.desired_state), tools_.calls.make());
            if (status.readiness == Readiness::absent) return std::nullopt;
            if (++task.looks < gate_tools_.stable_samples) return tools_.policy.poll;
            set_obstacle(
                group, change.unit + " is there (" + status.detail + "), although the listing of the cluster lacks it");
            const std::lock_guard lock(mutex_);
            group.is_there = true;
        } catch (const Error& error) {
            if (!interrupt_if_hopeless(error)) set_obstacle(group, change.unit + ": " + error.what());
        }
        return std::nullopt;
    }

    /// After how long to look again; nullopt: the gate is passed. Throws as Gate::look().
    std::optional<milliseconds> look(Group& group, Gate& gate) {
        constexpr milliseconds soon{50};
        // What changes may be what spoils the health of all: it is mended before that counts again.
        const bool is_to_be_mended = group.stage == Stage::settling && changes_unproven(group.plan);
        switch (gate.look(is_to_be_mended ? status_tools_ : gate_tools_, *group.turn)) {
            case Gate::Look::passed:
                return std::nullopt;
            case Gate::Look::again:
                return tools_.policy.poll;
            case Gate::Look::busy:
                return std::min(soon, tools_.policy.poll);
        }
        return std::nullopt;
    }

    std::optional<milliseconds> wait_for_settled(Group& group, Gate& gate) {
        std::string problem;
        bool is_unit_at_fault = false;
        bool is_judged = false;
        try {
            if (const auto why = why_ending(); !why.empty()) {
                gate.leave(gate_tools_);
                problem = "was still being waited for: " + why;
            } else if (const auto again = look(group, gate)) {
                return again;
            }
        } catch (const Error& error) {
            // A look by the way is not worth the others' rollouts.
            const bool may_pass = group.plan.is_brief && error.kind() == ErrorKind::unavailable;
            const bool is_broken_off = !may_pass && is_hopeless(error) && !interrupt(error);
            problem = is_broken_off ? "was still being waited for: " + why_ending() : error.what();
            is_unit_at_fault = is_about_unit(error);
            is_judged = is_unit_at_fault && gate.judges_content();
            if (is_unit_at_fault && !is_judged) note_no_verdict(group, gate);
        }
        // What was fine before tells nothing of this content.
        const auto& unproven = group.plan.unproven;
        const bool is_unproven = std::find(unproven.begin(), unproven.end(), gate.unit()) != unproven.end();
        const bool is_over = is_judged && is_unproven && group.plan.on_timeout;
        // What no verdict ends is looked at again in the next cycle, and not waited for once more.
        if (problem.empty() || is_over) end_waits(gate);
        if (problem.empty()) {
            note_left_down(gate);
            return std::nullopt;
        }
        const auto text = gate.unit() + ", which has " + (group.plan.restoring ? "its former" : "this") +
                          " version already, " + problem;
        const bool goes_on = group.plan.on_timeout == OnTimeout::go_on && is_unit_at_fault;
        const std::lock_guard lock(mutex_);
        if (!goes_on) group.obstacle = text;
        if (is_superseded()) group.is_superseded = true;
        if (is_over) group.verdict = text;
        // One that is not unproven itself tells why those are not ready that are.
        const auto& blamed = group.plan.is_brief ? group.plan.settled.front().name : gate.unit();
        end_.not_ready.push_back({blamed, blamed == gate.unit() ? problem : gate.unit() + " " + problem});
        for (const auto& unit : unproven) {
            if (unit != blamed && !has_change(group.plan, unit))
                end_.not_ready.push_back({unit, "not seen ready, because of " + gate.unit()});
        }
        return std::nullopt;
    }

    /// Somebody asked to try again, or an outage is over. A target does not start by itself what has failed. After how
    /// long to go on; nullopt: all are started.
    std::optional<milliseconds> restart_failed(Group& group) {
        constexpr milliseconds pause{1'000};
        if (!group.plan.restarts) return std::nullopt;
        if (!group.restarts) begin_restarts(group);
        bool is_under_way = false;
        for (auto& restart : *group.restarts) {
            try {
                if (is_ending()) {
                    restart.leave(tools_.target, tools_.calls.log);
                } else if (!restart.go_on(tools_.target, tools_.calls)) {
                    is_under_way = true;
                }
            } catch (const Error& error) {
                // The gate tells what is wrong with the unit.
                interrupt_if_hopeless(error);
                restart.leave(tools_.target, tools_.calls.log);
            }
        }
        return is_under_way ? std::optional(std::min(pause, tools_.policy.poll)) : std::nullopt;
    }

    void begin_restarts(Group& group) {
        group.restarts.emplace();
        const auto down = find_down(group.plan.settled);
        const auto deadline = Clock::now() + tools_.policy.timeout;
        for (const auto& [unit, readiness] : down) {
            // A sidekick that stopped along with its node has not failed, and starts by itself no more than the node.
            const auto instance = instance_of(unit->name);
            const bool is_beside_failed = std::any_of(down.begin(), down.end(), [&](const auto& other) {
                return other.second == Readiness::failed && instance_of(other.first->name) == instance;
            });
            if (!is_beside_failed || is_ending()) continue;
            const auto* const why =
                readiness == Readiness::failed ? " has failed" : " does not run beside a unit that has failed";
            tools_.calls.log.info(unit->name + why + ", and is started once more");
            try {
                group.restarts->emplace_back(*unit, deadline, tools_.target, tools_.calls);
            } catch (const Error& error) {
                interrupt_if_hopeless(error);
            }
        }
    }

    /// Of the units that are to run, those that are not ready.
    std::vector<std::pair<const DeployedUnit*, Readiness>> find_down(const std::vector<DeployedUnit>& units) {
        std::vector<std::pair<const DeployedUnit*, Readiness>> down;
        for (const auto& unit : units) {
            if (unit.desired_state != DesiredState::launched || is_ending()) continue;
            try {
                const auto status =
                    tools_.target.status(unit_of(unit.name, unit.content, unit.desired_state), tools_.calls.make());
                if (status.readiness != Readiness::ready) down.emplace_back(&unit, status.readiness);
            } catch (const Error& error) {
                interrupt_if_hopeless(error);
            }
        }
        return down;
    }

    std::optional<milliseconds> begin(Task& task) {
        auto& group = *task.group;
        task.step = choose_step(group);
        const auto& step = group.plan.steps[task.step];
        if (const auto why = why_not(group); !why.empty()) {
            for (const auto index : step.changes) skip(result_of(index), why);
            tell_ends(step);
            return std::nullopt;
        }
        if (auto failed = make(step); !failed.empty()) {
            tell_ends(step);
            if (group.plan.halts || group.plan.canary) set_obstacle(group, failed);
            return std::nullopt;
        }
        if (!step.gated) {
            tell_ends(step);
            return std::nullopt;
        }
        for (const auto index : step.changes) tools_.events.publish(ChangeMade{change_of(index)});
        // Whatever was waited for before, this is another start.
        for (const auto index : step.changes) tools_.starts.end(change_of(index).unit);
        task.kind = Kind::wait;
        task.gate = make_gate(group, as_made(step), step.companions);
        return wait(task);
    }

    /// The next step, or one whose node is down: to change that one takes nothing away.
    std::size_t choose_step(Group& group) {
        const std::lock_guard choosing(group.choosing);
        const auto waiting = [&] {
            const std::lock_guard lock(mutex_);
            return group.waiting;
        }();
        const auto chosen = group.plan.spares_nodes && why_not(group).empty()
                                ? choose_neediest(waiting, [&](auto step) { return worth_of(group, step); })
                                : waiting.front();
        const std::lock_guard lock(mutex_);
        group.waiting.erase(std::find(group.waiting.begin(), group.waiting.end(), chosen));
        --group.claims;
        group.begun.push_back(chosen);
        return chosen;
    }

    bool is_unproven(const RolloutGroup& plan, std::size_t index) {
        return std::find(plan.unproven.begin(), plan.unproven.end(), change_of(index).unit) != plan.unproven.end();
    }

    bool changes_unproven(const RolloutGroup& plan) {
        return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const auto& step) {
            return std::any_of(step.changes.begin(), step.changes.end(),
                               [&](auto index) { return is_unproven(plan, index); });
        });
    }

    Worth worth_of(const Group& group, std::size_t step) {
        auto worth = Worth::up;
        for (const auto index : group.plan.steps[step].changes) {
            const auto& change = change_of(index);
            if (is_sidekick(change.unit)) continue;
            if (is_create(change.kind) || !is_ready(change)) return Worth::down;
            if (is_unproven(group.plan, index)) worth = Worth::unproven;
        }
        return worth;
    }

    bool is_ready(const Change& change) {
        try {
            const auto status =
                tools_.target.status(unit_of(change.unit, change.former, change.former_state), tools_.calls.make());
            return status.readiness == Readiness::ready;
        } catch (const Error& error) {
            interrupt_if_hopeless(error);
            return false;
        }
    }

    /// Makes the changes of a step. What failed; empty when all went well.
    std::string make(const RolloutStep& step) {
        std::string failed;
        for (const auto index : step.changes) {
            auto& result = result_of(index);
            if (!failed.empty()) {
                skip(result, failed);
                continue;
            }
            tools_.events.publish(ChangeStarted{result.change});
            try {
                make(result.change);
                result.is_made = true;
                result.status = ChangeStatus::done;
            } catch (const Error& error) {
                if (is_hopeless(error) && !interrupt(error)) {
                    result.status = ChangeStatus::broken_off;
                    result.error = "was under way: " + why_ending();
                } else {
                    fail(result, error.what());
                }
                failed = result.change.unit + " failed";
            }
        }
        return failed;
    }

    void make(const Change& change) {
        const auto call = tools_.calls.make();
        switch (change.kind) {
            case ChangeKind::create_group:
            case ChangeKind::add_node:
            case ChangeKind::update:
            case ChangeKind::update_sidekick:
                tools_.target.apply(unit_of(change.unit, change.content, change.desired_state), call);
                return;
            case ChangeKind::set_state:
                tools_.target.set_desired_state(change.unit, change.desired_state, call);
                return;
            case ChangeKind::remove_node:
            case ChangeKind::destroy_group:
                tools_.target.destroy(change.unit, call);
                return;
        }
    }

    std::optional<milliseconds> wait(Task& task) {
        auto& group = *task.group;
        auto& gate = *task.gate;
        const auto& step = group.plan.steps[task.step];
        try {
            if (const auto why = why_ending(); !why.empty()) {
                gate.leave(gate_tools_);
                break_off(group, step, why);
            } else if (const auto again = look(group, gate)) {
                return again;
            } else {
                end_waits(gate);
                note_left_down(gate);
                const std::lock_guard lock(mutex_);
                group.is_open = true;
            }
        } catch (const Error& error) {
            if (is_hopeless(error) && !interrupt(error)) {
                break_off(group, step, why_ending());
            } else {
                const bool is_unit_at_fault = is_about_unit(error);
                const bool is_judged = is_unit_at_fault && gate.judges_content();
                if (is_unit_at_fault && !is_judged) {
                    note_no_verdict(group, gate);
                } else if (!is_hopeless(error)) {
                    end_waits(gate);
                }
                not_ready(group, step, gate.unit(), error, is_judged);
            }
        }
        tell_ends(step);
        return std::nullopt;
    }

    /// The step's changes are made, and it is not known what came of them.
    void break_off(Group& group, const RolloutStep& step, const std::string& why) {
        const bool overtaken = is_superseded();
        for (const auto index : step.changes) {
            auto& result = result_of(index);
            result.status = overtaken ? ChangeStatus::superseded : ChangeStatus::broken_off;
            result.error = "was still being waited for: " + why;
        }
        set_obstacle(group, why);
    }

    /// What a wait that ended without a verdict on the content leaves for the next one, and for the report.
    void note_no_verdict(const Group& group, const Gate& gate) {
        if (gate.was_blind()) {
            end_waits(gate);
        } else {
            for (const auto& unit : gate.units()) tools_.starts.end_idle(unit.name);
        }
        const std::lock_guard lock(mutex_);
        if (gate.was_blind()) end_.shaken.insert(group.plan.service);
        if (gate.is_unplaced()) end_.unplaced.insert(gate.unit());
    }

    void not_ready(Group& group, const RolloutStep& step, const std::string& unit, const Error& error, bool is_judged) {
        // What tells of the node without being changed itself, tells of the node's last change.
        auto blamed = std::find_if(step.changes.begin(), step.changes.end(),
                                   [&](auto index) { return change_of(index).unit == unit; });
        const bool is_own = blamed != step.changes.end();
        if (!is_own) blamed = std::prev(step.changes.end());
        auto& result = result_of(*blamed);
        fail(result, is_own ? error.what() : unit + " " + error.what());
        // What comes after it was not looked at to the end.
        for (auto other = std::next(blamed); is_own && other != step.changes.end(); ++other) {
            fail(result_of(*other), "was not seen ready: " + unit + " failed");
        }
        const bool goes_on = group.plan.on_timeout == OnTimeout::go_on && is_about_unit(error);
        if (!goes_on && (group.plan.halts || group.plan.canary)) set_obstacle(group, result.change.unit + " failed");
        const std::lock_guard lock(mutex_);
        group.is_open = group.is_open || goes_on;
        if (group.plan.on_timeout && is_judged && group.verdict.empty()) {
            group.verdict = result.change.unit + " " + result.error;
        }
    }

    /// The group was not ready in time. Booked before anything else: whatever happens from here on, this content is not
    /// tried again (R43).
    void judge(Group& group) {
        // With `continue` the others have their turn first, if not now then later.
        if (group.plan.on_timeout == OnTimeout::go_on && !is_through(group)) {
            const std::lock_guard lock(mutex_);
            group.verdict.clear();
            return;
        }
        auto returns = returns_of(group);
        const auto outcome = group.plan.on_timeout == OnTimeout::go_on ? Outcome::degraded
                             : returns.empty()                         ? Outcome::halted
                                                                       : Outcome::rolled_back;
        try {
            const std::lock_guard lock(booking_);
            tools_.book({group.plan.service, outcome, group.verdict});
        } catch (const Error& error) {
            interrupt(error);
            return;
        }
        const std::lock_guard lock(mutex_);
        group.is_returning = !returns.empty();
        group.to_restore = std::move(returns);
    }

    bool is_through(const Group& group) {
        const auto& steps = group.plan.steps;
        return std::all_of(steps.begin(), steps.end(), [&](const auto& step) {
            return std::all_of(step.changes.begin(), step.changes.end(), [&](auto index) {
                const auto status = result_of(index).status;
                return status == ChangeStatus::done || (status == ChangeStatus::failed && why_ending().empty());
            });
        });
    }

    /// What is to go back. What an earlier cycle changed comes first here, for the last one goes first.
    std::vector<Return> returns_of(const Group& group) {
        std::vector<Return> returns;
        if (group.plan.on_timeout != OnTimeout::rollback) return returns;
        for (const auto& unit : group.plan.former) {
            if (!has_change(group.plan, unit.name)) returns.push_back({{unit}, {}, {}});
        }
        for (const auto step : group.begun) {
            Return way_back{{}, group.plan.steps[step].companions, {}};
            for (const auto index : group.plan.steps[step].changes) {
                const auto& change = change_of(index);
                auto former = former_of(group, change);
                if (!is_attempted(result_of(index)) || former.content == nullptr) continue;
                way_back.units.push_back(std::move(former));
                way_back.results.push_back(index);
            }
            if (!way_back.units.empty()) returns.push_back(std::move(way_back));
        }
        return returns;
    }

    bool changes_what_is_there(const RolloutGroup& plan) {
        return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const auto& step) {
            return std::any_of(step.changes.begin(), step.changes.end(),
                               [&](auto index) { return !is_create(change_of(index).kind); });
        });
    }

    bool has_change(const RolloutGroup& plan, const std::string& unit) {
        return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const auto& step) {
            return std::any_of(step.changes.begin(), step.changes.end(),
                               [&](auto index) { return change_of(index).unit == unit; });
        });
    }

    /// What it was when it was last seen ready.
    static DeployedUnit former_of(const Group& group, const Change& change) {
        const auto& former = group.plan.former;
        const auto older =
            std::find_if(former.begin(), former.end(), [&](const auto& unit) { return unit.name == change.unit; });
        return older != former.end() ? *older : DeployedUnit{change.unit, change.former, change.former_state};
    }

    std::optional<milliseconds> restore(Task& task) {
        auto& group = *task.group;
        const auto& way_back = *task.way_back;
        for (const auto& unit : way_back.units) {
            if (const auto why = why_ending(); !why.empty()) return not_restored(group, way_back, unit.name, why);
            try {
                tools_.target.apply(unit_of(unit.name, unit.content, unit.desired_state), tools_.calls.make());
            } catch (const Error& error) {
                interrupt_if_hopeless(error);
                return not_restored(group, way_back, unit.name, error.what());
            }
        }
        task.kind = Kind::wait_restored;
        task.gate = make_gate(group, way_back.units, way_back.companions);
        return wait_restored(task);
    }

    std::optional<milliseconds> wait_restored(Task& task) {
        auto& group = *task.group;
        auto& gate = *task.gate;
        const auto& way_back = *task.way_back;
        try {
            if (const auto why = why_ending(); !why.empty()) {
                gate.leave(gate_tools_);
                return not_restored(group, way_back, gate.unit(), why);
            }
            if (const auto again = look(group, gate)) return again;
        } catch (const Error& error) {
            if (!interrupt_if_hopeless(error)) end_waits(gate);
            return not_restored(group, way_back, gate.unit(), error.what());
        }
        end_waits(gate);
        for (const auto index : way_back.results) {
            auto& result = result_of(index);
            if (result.status == ChangeStatus::done) result.error = "put back: " + group.verdict;
            result.status = ChangeStatus::rolled_back;
            tools_.events.publish(ChangeUndone{result});
        }
        forget_not_ready(gate);
        return std::nullopt;
    }

    /// What could not be put back, and what was to follow it, stays as it is.
    std::optional<milliseconds> not_restored(Group& group, const Return& stuck, const std::string& unit,
                                             const std::string& why) {
        const auto problem = "not put back: " + unit + ": " + why;
        for (const auto index : stuck.results) {
            auto& result = result_of(index);
            fail(result, result.error.empty() ? problem : result.error + "; " + problem);
        }
        const std::lock_guard lock(mutex_);
        group.to_restore.clear();
        group.not_restored = unit + ": " + why;
        if (is_superseded()) group.is_superseded = true;
        return std::nullopt;
    }

    void note_left_down(const Gate& gate) {
        if (!gate.left_down()) return;
        const std::lock_guard lock(mutex_);
        end_.not_ready.push_back(*gate.left_down());
    }

    void forget_not_ready(const Gate& gate) {
        const std::lock_guard lock(mutex_);
        for (const auto& unit : gate.units()) {
            std::erase_if(end_.not_ready, [&](const auto& entry) { return entry.unit == unit.name; });
        }
    }

    // ---- Small parts ----

    ChangeResult& result_of(std::size_t index) { return rollout_.results_[index]; }
    const Change& change_of(std::size_t index) { return result_of(index).change; }

    std::vector<DeployedUnit> as_made(const RolloutStep& step) {
        std::vector<DeployedUnit> units;
        for (const auto index : step.changes) {
            const auto& change = change_of(index);
            units.push_back({change.unit, change.content, change.desired_state});
        }
        return units;
    }

    std::shared_ptr<Gate> make_gate(const Group& group, std::vector<DeployedUnit> units,
                                    std::vector<DeployedUnit> companions) {
        if (group.plan.is_brief) {
            return std::make_shared<Gate>(group.plan.service, std::move(units), std::move(companions), std::nullopt);
        }
        WaitStarts::Wait all{Clock::now()};
        for (const auto& unit : units) {
            const auto wait = tools_.starts.begin(unit.name, unit.content->digest);
            all = {std::min(all.since, wait.since), all.was_idle || wait.was_idle};
        }
        return std::make_shared<Gate>(group.plan.service, std::move(units), std::move(companions),
                                      all.since + tools_.policy.timeout, all.was_idle);
    }

    void end_waits(const Gate& gate) {
        for (const auto& unit : gate.units()) tools_.starts.end(unit.name);
    }

    void tell_ends(const RolloutStep& step) {
        for (const auto index : step.changes) tools_.events.publish(ChangeEnded{result_of(index)});
    }

    static void skip(ChangeResult& result, const std::string& why) {
        result.status = ChangeStatus::skipped;
        result.error = "not begun: " + why;
    }

    static void fail(ChangeResult& result, const std::string& why) {
        result.status = ChangeStatus::failed;
        result.error = why;
    }

    void set_obstacle(Group& group, const std::string& why) {
        const std::lock_guard lock(mutex_);
        if (group.obstacle.empty()) group.obstacle = why;
        if (is_superseded()) group.is_superseded = true;
    }

    /// Why no step of the group may begin; empty when nothing stands in the way.
    std::string why_not(Group& group) {
        auto why = why_ending();
        const std::lock_guard lock(mutex_);
        if (why.empty()) return group.obstacle;
        if (is_superseded()) group.is_superseded = true;
        return why;
    }

    // ---- Ending early ----

    bool interrupt_if_hopeless(const Error& error) {
        if (is_hopeless(error)) interrupt(error);
        return is_hopeless(error);
    }

    /// False: something else has ended it already. What comes of that is no failure of its own.
    bool interrupt(const Error& error) {
        bool is_first = false;
        {
            const std::lock_guard lock(mutex_);
            is_first = !end_.error;
            if (is_first) end_.error = error;
        }
        end_early();
        return is_first;
    }

    void end_early() {
        ended_.request_stop();
        wake();
    }

    void wake() {
        // Whoever is about to wait has looked already, or holds the lock.
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    }

    [[nodiscard]] bool is_superseded() const { return rollout_.overtaken_.stop_requested(); }
    [[nodiscard]] bool is_ending() const { return ended_.stop_requested() || is_superseded(); }

    std::string why_ending() {
        if (ended_.stop_requested()) {
            // The report tells the cause, once for all.
            const std::lock_guard lock(mutex_);
            return end_.error ? "the cycle was broken off" : "the deployer was asked to stop";
        }
        if (!is_superseded()) return {};
        const std::lock_guard lock(rollout_.mutex_);
        return rollout_.superseded_;
    }

    void tell_end(const Group& group) {
        std::optional<GroupOutcome> outcome;
        const auto& plan = group.plan;
        if (group.is_returning) {
            outcome = {plan.service, Outcome::rolled_back, group.verdict};
            if (!group.not_restored.empty()) {
                outcome->outcome = Outcome::halted;
                outcome->detail += "; not put back: " + group.not_restored;
            }
        } else if (!group.verdict.empty()) {
            const bool goes_on = plan.on_timeout == OnTimeout::go_on;
            outcome = {plan.service, goes_on ? Outcome::degraded : Outcome::halted, group.verdict};
        } else if (group.is_there) {
            outcome = {plan.service, Outcome::degraded, group.obstacle};
        } else if (plan.restoring && !group.obstacle.empty()) {
            outcome = {plan.service, Outcome::halted, group.obstacle};
        } else if (plan.restoring && changes_what_is_there(plan)) {
            outcome = {plan.service, Outcome::rolled_back, {}};
        }
        if (group.is_superseded && (!outcome || plan.restoring || !group.not_restored.empty())) {
            outcome = {plan.service, Outcome::superseded, why_ending()};
        }
        if (!outcome) return;
        tools_.events.publish(GroupEnded{*outcome});
        end_.groups.push_back(*std::move(outcome));
    }

    Rollout& rollout_;
    const RolloutTools& tools_;
    GateTools gate_tools_;
    GateTools status_tools_;  ///< without health
    std::stop_source ended_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::priority_queue<Task> queue_;
    std::size_t open_tasks_ = 0;  ///< queued or under way
    std::vector<std::unique_ptr<Group>> groups_;
    std::map<std::string, std::shared_ptr<std::mutex>> turns_;  ///< by service
    RolloutEnd end_;
    std::mutex booking_;

    // Last: they call back at once when it has been asked for already.
    std::stop_callback<std::function<void()>> on_stop_;
    std::stop_callback<std::function<void()>> on_overtaken_;
};

Rollout::Rollout(RolloutTools tools, std::vector<ChangeResult>& results)
    : tools_(std::move(tools)), results_(results) {}

RolloutEnd Rollout::run(const std::vector<RolloutGroup>& groups, const std::function<void(std::stop_token)>& attend) {
    return Run(*this)(groups, attend);
}

void Rollout::supersede(const std::string& why) {
    {
        const std::lock_guard lock(mutex_);
        if (superseded_.empty()) superseded_ = why;
    }
    overtaken_.request_stop();
}

}  // namespace deployer
