#include "rollout/step_changes.hpp"

#include <algorithm>
#include <iterator>

namespace deployer {
namespace {

void make(const Change& change, const RolloutTools& tools) {
    const auto call = tools.calls.make();
    switch (change.kind) {
        case ChangeKind::create_group:
        case ChangeKind::add_node:
        case ChangeKind::update:
        case ChangeKind::update_sidekick:
            tools.target.apply(as_unit({change.unit, change.content, change.desired_state}), call);
            return;
        case ChangeKind::set_state:
            tools.target.set_desired_state(change.unit, change.desired_state, call);
            return;
        case ChangeKind::remove_node:
        case ChangeKind::destroy_group:
            tools.target.destroy(change.unit, call);
            return;
    }
}

void skip(ChangeResult& result, const std::string& why) {
    result.status = ChangeStatus::skipped;
    result.error = "not begun: " + why;
}

}  // namespace

std::string make_changes(const RolloutStep& step, const RunTools& tools) {
    std::string failed;
    for (const auto index : step.changes) {
        auto& result = tools.results[index];
        if (!failed.empty()) {
            skip(result, failed);
            continue;
        }
        tools.rollout.events.publish(ChangeStarted{result.change});
        try {
            make(result.change, tools.rollout);
            result.is_made = true;
            result.status = ChangeStatus::done;
        } catch (const Error& error) {
            if (is_hopeless(error) && !tools.ending.interrupt(error)) {
                result.status = ChangeStatus::broken_off;
                result.error = "was under way: " + tools.ending.why();
            } else {
                fail(result, error.what());
            }
            failed = result.change.unit + " failed";
        }
    }
    return failed;
}

void skip_changes(const RolloutStep& step, const std::string& why, std::vector<ChangeResult>& results) {
    for (const auto index : step.changes) skip(results[index], why);
}

void break_off(const RolloutStep& step, const std::string& why, const RunTools& tools) {
    const bool is_superseded = tools.ending.is_superseded();
    for (const auto index : step.changes) {
        auto& result = tools.results[index];
        result.status = is_superseded ? ChangeStatus::superseded : ChangeStatus::broken_off;
        result.error = "was still being waited for: " + why;
    }
}

std::size_t blame(const RolloutStep& step, const std::string& unit, const Error& error,
                  std::vector<ChangeResult>& results) {
    const auto own = std::find_if(step.changes.begin(), step.changes.end(),
                                  [&](auto index) { return results[index].change.unit == unit; });
    if (own == step.changes.end()) {
        fail(results[step.changes.back()], unit + " " + error.what());
        return step.changes.back();
    }
    fail(results[*own], error.what());
    // The wait ended at this unit, so the units after it were not seen ready.
    for (auto later = std::next(own); later != step.changes.end(); ++later) {
        fail(results[*later], "was not seen ready: " + unit + " failed");
    }
    return *own;
}

void fail(ChangeResult& result, const std::string& why) {
    result.status = ChangeStatus::failed;
    result.error = why;
}

void tell_ends(const RolloutStep& step, const RunTools& tools) {
    for (const auto index : step.changes) tools.rollout.events.publish(ChangeEnded{tools.results[index]});
}

}  // namespace deployer
