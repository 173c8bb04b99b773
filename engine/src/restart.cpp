#include "restart.hpp"

#include <utility>

namespace deployer {

Restart::Restart(DeployedUnit unit, Clock::time_point deadline, Target& target, const Calls& calls)
    : unit_(std::move(unit)), deadline_(deadline) {
    target.set_desired_state(unit_.name, DesiredState::inactive, calls.make());
}

bool Restart::go_on(Target& target, const Calls& calls) {
    if (is_launched_) return true;
    const auto status = target.status({unit_.name, unit_.content->options, DesiredState::inactive}, calls.make());
    if (status.readiness == Readiness::ready || Clock::now() >= deadline_) finish(target, calls);
    return is_launched_;
}

void Restart::finish(Target& target, const Calls& calls) {
    if (is_launched_) return;
    target.set_desired_state(unit_.name, DesiredState::launched, calls.make());
    is_launched_ = true;
}

}  // namespace deployer
