#pragma once

#include "plan/planner.hpp"
#include "rollout/rollout.hpp"
#include "support/catch.hpp"
#include "support/fake_health.hpp"
#include "support/fake_target.hpp"
#include "support/recording_log.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace deployer {

inline SharedContent version(const std::string& name) {
    return make_content({{"Service", "ExecStart", "/bin/run " + name}});
}

inline bool is_version(const Unit& unit, const std::string& name) {
    return unit.options == version(name)->options;
}

/// A cluster, its wanted state, and the rollout from the actual to the wanted state, with destroys.
struct RolloutScene {
    FakeTarget target;
    FakeHealth health;
    bool has_health = false;
    WantedState wanted{{"r1"}, {}, {}, {}, {}};
    StandingOrders orders;
    RolloutPolicy policy{4, std::chrono::seconds(10), std::chrono::milliseconds(1), OnTimeout::halt};
    EventStream events;
    RecordingLog log;
    std::stop_source stop;
    std::vector<ChangeResult> results;
    WaitStarts starts;
    std::vector<GroupOutcome> booked;
    std::function<void()> on_book = [] {};
    std::function<void(Rollout&, std::stop_token)> attend;
    RolloutEnd end;

    RolloutScene() = default;
    /// A sequential service foo whose `nodes` nodes have v1, while v2 is wanted.
    explicit RolloutScene(int nodes) {
        for (int node = 1; node <= nodes; ++node) {
            have("foo@" + std::to_string(node) + ".service", "v1");
            want("foo@" + std::to_string(node) + ".service", "v2");
        }
        rules().sequential = true;
    }

    RolloutRules& rules(const std::string& service = "foo") { return wanted.rules[service]; }
    void want(const std::string& name, const std::string& content) {
        std::erase_if(wanted.units, [&](const auto& unit) { return unit.name == name; });
        wanted.units.push_back({name, version(content), DesiredState::launched});
    }
    void have(const std::string& name, const std::string& content) {
        target.put({name, version(content)->options, DesiredState::launched});
    }
    /// From now on this version of the unit never becomes ready.
    void break_version(const std::string& unit_name, const std::string& broken, Readiness as = Readiness::failed) {
        target.judge = [=](const Unit& unit, const UnitStatus& status) {
            const bool is_meant = unit.name == unit_name && is_version(unit, broken);
            return is_meant && status.readiness != Readiness::absent ? UnitStatus{as, "exit code 1"} : status;
        };
    }

    /// Runs the rollout. Returns the error that ended it early, if any.
    std::optional<Error> roll_out() {
        PlanPolicy plan_policy;
        plan_policy.destroy = true;
        plan_policy.max_destroy = {1000, false};
        const auto plan = make_plan(sorted_wanted(), actual(), plan_policy, orders);
        results = report_of(plan, wanted).changes;
        const Calls calls{stop.get_token(), log, std::chrono::seconds(5)};
        Rollout rollout(tools(calls), results);
        end = rollout.run(make_rollout_groups(plan, policy), [&](const std::stop_token& finished) {
            if (attend) attend(rollout, finished);
        });
        for (const auto kind : {ChangeKind::remove_node, ChangeKind::destroy_group}) {
            if (end.error) return end.error;
            end.error = rollout.run(make_destroy_groups(plan, kind)).error;
        }
        return end.error;
    }

    /// Looks at units that an earlier cycle changed, and changes nothing.
    void verify(const std::vector<std::string>& unproven) {
        results.clear();
        const Calls calls{stop.get_token(), log, std::chrono::seconds(5)};
        Rollout rollout(tools(calls), results);
        end = rollout.run(make_verify_groups({}, actual(), unproven));
    }

    [[nodiscard]] ChangeStatus status_of(const std::string& unit) const { return result_of(unit).status; }
    [[nodiscard]] const ChangeResult& result_of(const std::string& unit) const {
        const auto found = std::find_if(results.begin(), results.end(),
                                        [&](const auto& result) { return result.change.unit == unit; });
        REQUIRE(found != results.end());
        return *found;
    }
    [[nodiscard]] std::string version_of(const std::string& unit) const {
        const auto there = target.units().at(unit);
        return is_version(there, "v1") ? "v1" : is_version(there, "v2") ? "v2" : "other";
    }
    [[nodiscard]] Outcome outcome_of(const std::string& service) const {
        const auto found = std::find_if(end.groups.begin(), end.groups.end(),
                                        [&](const auto& group) { return group.service == service; });
        return found == end.groups.end() ? Outcome::applied : found->outcome;
    }
    /// The position of a call to the target among all calls.
    [[nodiscard]] std::size_t position(const std::string& call) const {
        const auto calls = target.calls();
        const auto found = std::find(calls.begin(), calls.end(), call);
        INFO(call);
        REQUIRE(found != calls.end());
        return static_cast<std::size_t>(found - calls.begin());
    }

private:
    RolloutTools tools(const Calls& calls) {
        return {
            target, has_health ? &health : nullptr, policy, calls, events, starts, [this](const GroupOutcome& outcome) {
                booked.push_back(outcome);
                on_book();
            }};
    }
    const WantedState& sorted_wanted() {
        std::sort(wanted.units.begin(), wanted.units.end(),
                  [](const auto& a, const auto& b) { return numeric_less(a.name, b.name); });
        return wanted;
    }
    [[nodiscard]] ActualState actual() const {
        ActualState state;
        for (const auto& [name, unit] : target.units()) {
            state.units.push_back({name, make_content(unit.options), unit.desired_state});
        }
        std::sort(state.units.begin(), state.units.end(),
                  [](const auto& a, const auto& b) { return numeric_less(a.name, b.name); });
        return state;
    }
};

}  // namespace deployer
