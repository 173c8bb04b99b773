#include "cycle/destroys.hpp"

#include "text/quantity.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace deployer {
namespace {

void skip(ChangeResult& result, std::string why, EventStream& events) {
    result.status = ChangeStatus::skipped;
    result.error = std::move(why);
    events.publish(ChangeEnded{result});
}

bool is_planned_destroy(const ChangeResult& result) {
    return is_destroy(result.change.kind) && result.status == ChangeStatus::planned;
}

/// Reads the wanted state a second time, and skips destroys of units that the second reading wants.
void dispute(CycleReport& report, const DestroyTools& tools) {
    const auto checkout = tools.source.checkout(tools.wanted.revision, tools.calls.make());
    if (!checkout) return;
    const auto second = read_wanted(*checkout, tools.calls.make());
    std::set<std::string_view> wanted;
    for (const auto& unit : second.units) wanted.insert(unit.name);
    const auto is_held = [&](const std::string& service) {
        return std::any_of(second.held.begin(), second.held.end(),
                           [&](const auto& held) { return held.may_mean(service); });
    };
    for (auto& result : report.changes) {
        const auto& change = result.change;
        if (!is_destroy(change.kind)) continue;
        if (!wanted.contains(change.unit) && !is_held(change.service)) continue;
        skip(result, "disputed: revision " + second.revision.id + " wants the unit again", tools.events);
        ++report.left.disputed;
    }
}

/// The groups for one kind of destroys, without skipped ones.
std::vector<RolloutGroup> groups_to_destroy(const Plan& plan, ChangeKind kind, const CycleReport& report) {
    auto groups = make_destroy_groups(plan, kind);
    for (auto& group : groups) {
        std::erase_if(group.steps, [&](const auto& step) {
            return report.changes[step.changes.front()].status != ChangeStatus::planned;
        });
    }
    return groups;
}

}  // namespace

void skip_destroys(CycleReport& report, const std::string& why, EventStream& events) {
    for (auto& result : report.changes) {
        if (is_planned_destroy(result)) skip(result, "not begun: " + why, events);
    }
}

void keep_back_destroys(CycleReport& report, const std::set<std::string>& surplus, EventStream& events) {
    for (const auto& entry : report.not_ready) {
        if (!entry.was_changed || surplus.contains(entry.unit)) continue;
        return skip_destroys(report, entry.unit + ", changed by an earlier cycle, is not ready", events);
    }
    for (auto& result : report.changes) {
        if (!is_planned_destroy(result)) continue;
        const auto sibling = std::find_if(surplus.begin(), surplus.end(), [&](const auto& unit) {
            return service_name(unit) == result.change.service;
        });
        if (sibling != surplus.end()) skip(result, "not begun: " + *sibling + " is on no machine", events);
    }
}

std::optional<Error> carry_out_destroys(const Plan& plan, const std::set<std::string>& surplus, CycleReport& report,
                                        const DestroyTools& tools) {
    if (!has_planned(report)) return std::nullopt;
    if (const auto unfinished = count_unfinished(report, surplus); unfinished > 0) {
        skip_destroys(report, quantity(unfinished, "change") + " of this cycle did not end well", tools.events);
    }
    keep_back_destroys(report, surplus, tools.events);
    if (!has_planned(report)) return std::nullopt;
    try {
        dispute(report, tools);
    } catch (const Error& error) {
        return error.while_doing("cannot read the wanted state once more before destroying units");
    }
    for (const auto kind : {ChangeKind::remove_node, ChangeKind::destroy_group}) {
        if (auto end = tools.rollout.run(groups_to_destroy(plan, kind, report)); end.error) return std::move(end.error);
    }
    return std::nullopt;
}

}  // namespace deployer
