#include "rollout/settling.hpp"

#include "rollout/group_changes.hpp"

namespace deployer {
namespace {

Patience patience_for(const RolloutGroup& group, const std::vector<ChangeResult>& results) {
    if (group.kind == GroupKind::verify) return Patience::one_look;
    // A node that this rollout is about to change may be the cause of the whole service's bad health.
    return changes_unproven_unit(group, results) ? Patience::without_health : Patience::whole;
}

}  // namespace

Settling::Settling(const RolloutGroup& group, std::mutex& health_turn, const RunTools& tools)
    : group_(group), health_turn_(health_turn), tools_(tools), restarts_(group.settled, tools) {}

std::optional<std::chrono::milliseconds> Settling::go_on() {
    if (!wait_) {
        if (group_.restarts) {
            if (const auto again = restarts_.go_on()) return again;
        }
        wait_.emplace(AwaitedNode{group_.service, group_.settled, group_.companions},
                      patience_for(group_, tools_.results), health_turn_, tools_);
    }
    if (const auto again = wait_->look()) return again;
    end();
    return std::nullopt;
}

void Settling::end() {
    const auto& end = wait_->end();
    if (end.is_ready()) {
        is_well_ = true;
        wait_->forget_start();
        wait_->note_companion_down();
        return;
    }
    if (end.is_unit_at_fault() && !end.is_verdict) wait_->note_no_verdict();
    const auto problem = end.problem();
    const auto text =
        wait_->unit() + ", which has " + (group_.is_returning ? "its former" : "this") + " version already, " + problem;
    // A unit that was ready before this rollout says nothing about the new content, so it cannot convict the content.
    if (end.is_verdict && is_unproven(group_, wait_->unit()) && group_.on_timeout) {
        wait_->forget_start();
        verdict_ = text;
    }
    const bool goes_on = group_.on_timeout == OnTimeout::go_on && end.is_unit_at_fault();
    if (!goes_on) obstacle_ = text;
    report_not_ready(problem);
}

void Settling::report_not_ready(const std::string& problem) {
    const auto& unit = wait_->unit();
    // A verify group looks at its first unit. A companion that is not ready is the reason why this unit is not ready.
    const auto& blamed = group_.kind == GroupKind::verify ? group_.settled.front().name : unit;
    std::vector<NotReady> entries{{blamed, blamed == unit ? problem : unit + " " + problem}};
    for (const auto& other : group_.unproven) {
        if (other == blamed || changes_unit(group_, tools_.results, other)) continue;
        entries.push_back({other, "not seen ready, because of " + unit});
    }
    tools_.findings.add_not_ready(entries);
}

}  // namespace deployer
