#include "rollout/way_back.hpp"

#include "rollout/step_changes.hpp"

#include <utility>

namespace deployer {

using std::chrono::milliseconds;

WayBack::WayBack(std::string service, std::vector<Return> returns, std::string verdict, std::mutex& health_turn,
                 const RunTools& tools)
    : service_(std::move(service)),
      returns_(std::move(returns)),
      verdict_(std::move(verdict)),
      health_turn_(health_turn),
      tools_(tools) {}

std::optional<milliseconds> WayBack::go_on() {
    constexpr milliseconds at_once{0};
    if (!wait_ && !apply_former()) return std::nullopt;
    if (const auto again = wait_->look()) return again;
    const auto& end = wait_->end();
    if (!end.is_ready()) {
        if (end.error && !is_hopeless(*end.error)) wait_->forget_start();
        give_up(wait_->unit(), end.error ? end.error->what() : end.why_left);
        return std::nullopt;
    }
    note_restored();
    return returns_.empty() ? std::nullopt : std::optional(at_once);
}

bool WayBack::apply_former() {
    const auto& [units, companions, results] = returns_.back();
    for (const auto& unit : units) {
        if (const auto why = tools_.ending.why(); !why.empty()) {
            give_up(unit.name, why);
            return false;
        }
        try {
            tools_.rollout.target.apply(as_unit(unit), tools_.rollout.calls.make());
        } catch (const Error& error) {
            tools_.ending.interrupt_if_hopeless(error);
            give_up(unit.name, error.what());
            return false;
        }
    }
    wait_.emplace(AwaitedNode{service_, units, companions}, Patience::whole, health_turn_, tools_);
    return true;
}

void WayBack::note_restored() {
    wait_->forget_start();
    for (const auto index : returns_.back().results) {
        auto& result = tools_.results[index];
        if (result.status == ChangeStatus::done) result.error = "put back: " + verdict_;
        result.status = ChangeStatus::rolled_back;
        tools_.rollout.events.publish(ChangeUndone{result});
    }
    tools_.findings.forget_not_ready(wait_->units());
    returns_.pop_back();
    wait_.reset();
}

void WayBack::give_up(const std::string& why) {
    if (!returns_.empty()) give_up(returns_.back().units.front().name, why);
}

void WayBack::give_up(const std::string& unit, const std::string& why) {
    const auto problem = "not put back: " + unit + ": " + why;
    for (const auto index : returns_.back().results) {
        auto& result = tools_.results[index];
        fail(result, result.error.empty() ? problem : result.error + "; " + problem);
    }
    not_restored_ = unit + ": " + why;
}

}  // namespace deployer
