#include "rollout/restart.hpp"

#include <utility>

namespace deployer {

Restart::Restart(DeployedUnit unit, Clock::time_point deadline, Target& target, const Calls& calls)
    : unit_(std::move(unit)), deadline_(deadline) {
    target.set_desired_state(unit_.name, DesiredState::inactive, calls.make());
}

bool Restart::go_on(Target& target, const Calls& calls) {
    if (is_over_) return true;
    const auto status = target.status({unit_.name, unit_.content->options, DesiredState::inactive}, calls.make());
    if (status.readiness == Readiness::ready || Clock::now() >= deadline_) launch(target, calls);
    return is_over_;
}

void Restart::leave(Target& target, Log& log) {
    if (is_over_) return;
    constexpr std::chrono::milliseconds moment{1'000};
    try {
        launch(target, {{}, log, moment});
    } catch (const Error& error) {
        log.warning(unit_.name + " may be left inactive: " + error.what());
        is_over_ = true;
    }
}

void Restart::launch(Target& target, const Calls& calls) {
    target.set_desired_state(unit_.name, DesiredState::launched, calls.make());
    is_over_ = true;
}

}  // namespace deployer
