#include "rollout/step_run.hpp"

#include "rollout/group_changes.hpp"
#include "rollout/step_changes.hpp"

namespace deployer {

void StepRun::skip(const std::string& why) {
    skip_changes(step_, why, tools_.results);
}

std::optional<std::chrono::milliseconds> StepRun::go_on() {
    if (!wait_ && !begin()) return std::nullopt;
    if (const auto again = wait_->look()) return again;
    end_wait();
    return std::nullopt;
}

/// Makes the changes. Returns false if the step has no gate to wait at, or a change failed.
bool StepRun::begin() {
    if (auto failed = make_changes(step_, tools_); !failed.empty()) {
        if (group_.halts()) end_.obstacle = std::move(failed);
        return false;
    }
    if (!step_.gated) return false;
    for (const auto index : step_.changes) {
        const auto& change = tools_.results[index].change;
        tools_.rollout.events.publish(ChangeMade{change});
        // The unit starts anew, so an earlier wait for the unit does not shorten this one.
        tools_.rollout.starts.end(change.unit);
    }
    wait_.emplace(AwaitedNode{group_.service, units_made(step_, tools_.results), step_.companions}, Patience::whole,
                  health_turn_, tools_);
    return true;
}

void StepRun::end_wait() {
    const auto& end = wait_->end();
    if (end.is_ready()) {
        wait_->forget_start();
        wait_->note_companion_down();
        end_.opens_group = true;
    } else if (!end.why_left.empty()) {
        break_off(step_, end.why_left, tools_);
        end_.obstacle = end.why_left;
    } else {
        end_not_ready(*end.error, end.is_verdict);
    }
}

void StepRun::end_not_ready(const Error& error, bool is_verdict) {
    const bool is_unit_at_fault = is_about_unit(error);
    if (is_unit_at_fault && !is_verdict) {
        wait_->note_no_verdict();
    } else if (!is_hopeless(error)) {
        wait_->forget_start();
    }
    const auto& blamed = tools_.results[blame(step_, wait_->unit(), error, tools_.results)];
    const bool goes_on = group_.on_timeout == OnTimeout::go_on && is_unit_at_fault;
    end_.opens_group = goes_on;
    if (!goes_on && group_.halts()) end_.obstacle = blamed.change.unit + " failed";
    if (group_.on_timeout && is_verdict) end_.verdict = blamed.change.unit + " " + blamed.error;
}

}  // namespace deployer
