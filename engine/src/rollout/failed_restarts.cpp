#include "rollout/failed_restarts.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>

namespace deployer {

using std::chrono::milliseconds;

std::optional<milliseconds> FailedRestarts::go_on() {
    constexpr milliseconds pause{1'000};
    if (!restarts_) begin();
    bool is_under_way = false;
    for (auto& restart : *restarts_) {
        try {
            if (tools_.ending.is_requested()) {
                restart.leave(tools_.rollout.target, tools_.rollout.calls.log);
            } else if (!restart.go_on(tools_.rollout.target, tools_.rollout.calls)) {
                is_under_way = true;
            }
        } catch (const Error& error) {
            tools_.ending.interrupt_if_hopeless(error);
            restart.leave(tools_.rollout.target, tools_.rollout.calls.log);
        }
    }
    return is_under_way ? std::optional(std::min(pause, tools_.rollout.policy.poll)) : std::nullopt;
}

void FailedRestarts::begin() {
    const auto& tools = tools_.rollout;
    restarts_.emplace();
    const auto down = find_down();
    const auto deadline = Restart::Clock::now() + tools.policy.timeout;
    for (const auto& [unit, readiness] : down) {
        const auto instance = instance_of(unit->name);
        const bool is_beside_failed = std::any_of(down.begin(), down.end(), [&](const auto& other) {
            return other.second == Readiness::failed && instance_of(other.first->name) == instance;
        });
        if (!is_beside_failed || tools_.ending.is_requested()) continue;
        const auto* const why =
            readiness == Readiness::failed ? " has failed" : " does not run beside a unit that has failed";
        tools.calls.log.info(unit->name + why + ", and is started once more");
        try {
            restarts_->emplace_back(*unit, deadline, tools.target, tools.calls);
        } catch (const Error& error) {
            tools_.ending.interrupt_if_hopeless(error);
        }
    }
}

std::vector<std::pair<const DeployedUnit*, Readiness>> FailedRestarts::find_down() {
    std::vector<std::pair<const DeployedUnit*, Readiness>> down;
    for (const auto& unit : units_) {
        if (unit.desired_state != DesiredState::launched || tools_.ending.is_requested()) continue;
        try {
            const auto status = tools_.rollout.target.status(as_unit(unit), tools_.rollout.calls.make());
            if (status.readiness != Readiness::ready) down.emplace_back(&unit, status.readiness);
        } catch (const Error& error) {
            tools_.ending.interrupt_if_hopeless(error);
        }
    }
    return down;
}

}  // namespace deployer
