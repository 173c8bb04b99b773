#include "rollout/companions.hpp"

#include <utility>

namespace deployer {

Companions::Companions(std::vector<DeployedUnit> units, std::string node)
    : units_(std::move(units)), node_(std::move(node)) {}

Companions::State Companions::look(std::size_t patience, const CompanionTools& tools) {
    const auto down = find_down(tools);
    down_looks_ = down ? down_looks_ + 1 : 0;
    if (!down) return State::ready;
    const bool has_had_time = down->status.readiness == Readiness::failed || down_looks_ >= patience;
    return has_had_time && start_once_more(*down, tools) ? State::starting : State::down;
}

Companions::State Companions::mend(const CompanionTools& tools) {
    left_down_.reset();
    const auto down = find_down(tools);
    if (!down) return State::ready;
    left_down_ = NotReady{down->unit->name, down->status.detail, false};
    return start_once_more(*down, tools) ? State::starting : State::ready;
}

const DeployedUnit* Companions::starting() const noexcept {
    return restart_ ? &restart_->unit() : nullptr;
}

bool Companions::go_on(const CompanionTools& tools) {
    try {
        if (!restart_->go_on(tools.target, tools.calls)) return true;
    } catch (const Error& error) {
        if (!is_about_unit(error)) throw;
        tools.calls.log.warning(error.what());
    }
    leave(tools.target, tools.calls.log);
    down_looks_ = 0;
    return false;
}

void Companions::leave(Target& target, Log& log) {
    if (restart_) restart_->leave(target, log);
    restart_.reset();
}

std::optional<Companions::Down> Companions::find_down(const CompanionTools& tools) const {
    for (const auto& unit : units_) {
        auto status = tools.look_at(unit);
        if (status.readiness != Readiness::ready) return Down{&unit, std::move(status)};
    }
    return std::nullopt;
}

/// Returns false if a companion was started before, if this companion should not run, or if the target refuses.
bool Companions::start_once_more(const Down& down, const CompanionTools& tools) {
    if (is_restarted_ || down.unit->desired_state != DesiredState::launched) return false;
    is_restarted_ = true;
    was_tried_ = true;
    tools.calls.log.info(down.unit->name + " does not run (" + down.status.detail + ") beside " + node_ +
                         ", and is started once more");
    try {
        tools.before_restart();
        restart_.emplace(*down.unit, tools.deadline, tools.target, tools.calls);
    } catch (const Error& error) {
        // A companion that the target refuses says nothing about the node's new content.
        is_restarted_ = error.kind() != ErrorKind::unavailable;
        if (!is_about_unit(error)) throw;
        tools.calls.log.warning(error.what());
        return false;
    }
    return true;
}

}  // namespace deployer
