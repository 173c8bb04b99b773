#include "rollout/gate.hpp"

#include "text/quantity.hpp"

#include <algorithm>
#include <utility>

namespace deployer {

using std::chrono::milliseconds;

Gate::Gate(std::string service, std::vector<DeployedUnit> units, std::vector<DeployedUnit> companions,
           std::optional<Clock::time_point> deadline, bool was_idle)
    : service_(std::move(service)),
      units_(std::move(units)),
      companions_(std::move(companions)),
      deadline_(deadline),
      is_brief_(!deadline),
      was_idle_(was_idle),
      unit_(units_.front().name) {}

Gate::Look Gate::look(const GateTools& tools, std::mutex& turn) {
    bool is_well = false;
    is_busy_ = false;
    try {
        is_well = all_is_well(tools, turn);
        if (is_busy_) return Look::busy;
        trouble_.reset();
        ++answers_;
    } catch (const Error& error) {
        // Who cannot answer now may answer at the next look.
        if (error.kind() != ErrorKind::unavailable) {
            leave(tools);
            throw;
        }
        trouble_ = error;
        was_blind_ = true;
        detail_ = error.what();
    }
    if (!trouble_) note_beginning(tools.timeout);
    good_ = is_well ? good_ + 1 : 0;
    if (good_ >= tools.stable_samples) return Look::passed;
    if (is_well)
        detail_ = "ready, " + std::to_string(good_) + " of " + quantity(tools.stable_samples, "look") + " in a row";
    if (deadline_) tell(tools, detail_);
    // What is ready in time may show that it stays so.
    const bool is_idle_still = was_idle_ && is_idle() && !trouble_ && answers_ > 1;
    if (!is_well && (!deadline_ || is_late() || is_idle_still)) {
        leave(tools);
        give_up(tools);
    }
    return Look::again;
}

bool Gate::all_is_well(const GateTools& tools, std::mutex& turn) {
    if (is_starting_once_more(tools)) return false;
    // They tell the same, one bound to the other: looks take turns, and cost the target half.
    if (companions_turn_) {
        companions_turn_ = false;
        return companions_are_ready(tools);
    }
    for (const auto& unit : units_) {
        if (!is_ready(unit, tools)) return false;
    }
    const bool runs = std::any_of(units_.begin(), units_.end(),
                                  [](const auto& unit) { return unit.desired_state == DesiredState::launched; });
    // Who is not to run has no health to ask for.
    if (!runs) return true;
    if (const auto healthy = is_healthy(tools, turn)) {
        const bool is_last_look = good_ + 1 >= tools.stable_samples;
        return *healthy && (!is_last_look || companions_are_mended(tools));
    }
    if (tools.stable_samples == 1) return companions_are_ready(tools);
    companions_turn_ = !companions_.empty();
    return true;
}

bool Gate::companions_are_ready(const GateTools& tools) {
    auto how = Readiness::ready;
    const auto down = find_companion_down(tools, how);
    down_looks_ = down ? down_looks_ + 1 : 0;
    if (!down) return true;
    // One that was stopped along with its node may come up by itself, as may one that failed with the former version.
    const bool has_had_time = is_brief_ || how == Readiness::failed || down_looks_ >= tools.stable_samples;
    if (has_had_time) (void)start_once_more(down->unit, tools);
    return false;
}

bool Gate::companions_are_mended(const GateTools& tools) {
    const auto well = detail_;
    auto how = Readiness::ready;
    left_down_ = find_companion_down(tools, how);
    if (left_down_ && start_once_more(left_down_->unit, tools)) return false;
    detail_ = well;
    return true;
}

std::optional<NotReady> Gate::find_companion_down(const GateTools& tools, Readiness& how) {
    for (const auto& companion : companions_) {
        const auto status = look_at(companion, tools);
        if (status.readiness == Readiness::ready) continue;
        how = status.readiness;
        return NotReady{companion.name, status.detail, false};
    }
    return std::nullopt;
}

/// False: that was done before, or the unit is not to run.
bool Gate::start_once_more(const std::string& unit, const GateTools& tools) {
    const auto companion = std::find_if(companions_.begin(), companions_.end(),
                                        [&](const auto& candidate) { return candidate.name == unit; });
    if (is_restarted_ || companion->desired_state != DesiredState::launched) return false;
    is_restarted_ = true;
    if (!deadline_) deadline_ = Clock::now() + tools.placement_grace;
    tools.calls.log.info(unit + " does not run (" + detail_ + ") beside " + units_.front().name +
                         ", and is started once more");
    try {
        tools.before_restart();
        restart_.emplace(*companion, *deadline_, tools.target, tools.calls);
    } catch (const Error& error) {
        // What the target says of the companion is nothing that the node's new content can be blamed for.
        is_restarted_ = error.kind() != ErrorKind::unavailable;
        if (!is_about_unit(error)) throw;
        tools.calls.log.warning(error.what());
        return false;
    }
    detail_ += ", is started once more";
    return true;
}

bool Gate::is_starting_once_more(const GateTools& tools) {
    if (!restart_) return false;
    unit_ = restart_->unit().name;
    seen_ = Readiness::waiting;
    detail_ = "is started once more";
    try {
        if (!restart_->go_on(tools.target, tools.calls)) return true;
    } catch (const Error& error) {
        if (!is_about_unit(error)) throw;
        tools.calls.log.warning(error.what());
    }
    leave(tools);
    down_looks_ = 0;
    return false;
}

void Gate::leave(const GateTools& tools) {
    if (restart_) restart_->leave(tools.target, tools.calls.log);
    restart_.reset();
}

UnitStatus Gate::look_at(const DeployedUnit& unit, const GateTools& tools) {
    unit_ = unit.name;
    auto status = tools.target.status(as_unit(unit), make_call(tools));
    seen_ = status.readiness;
    detail_ = status.detail;
    return status;
}

bool Gate::is_ready(const DeployedUnit& unit, const GateTools& tools) {
    const auto status = look_at(unit, tools);
    if (status.readiness == Readiness::ready) return true;
    if (status.readiness == Readiness::failed) {
        throw Error(ErrorKind::rejected, "will not become ready: " + status.detail + excuse());
    }
    note_placement(status.readiness, status.detail, tools.placement_grace);
    return false;
}

void Gate::note_placement(Readiness readiness, const std::string& detail, milliseconds grace) {
    if (readiness != Readiness::unplaced) {
        unplaced_since_.reset();
        return;
    }
    if (!unplaced_since_) unplaced_since_ = Clock::now();
    if (Clock::now() - *unplaced_since_ < grace) return;
    throw Error(ErrorKind::rejected, "was on no machine after " + duration_text(grace) + ": " + detail);
}

bool Gate::is_idle() const noexcept {
    return seen_ == Readiness::pending || seen_ == Readiness::unplaced || seen_ == Readiness::absent;
}

void Gate::note_beginning(milliseconds timeout) {
    if (is_idle()) {
        was_idle_at_first_ = was_idle_at_first_ || !has_begun_;
    } else if (!std::exchange(has_begun_, true) && was_idle_at_first_ && deadline_) {
        deadline_ = Clock::now() + timeout;
    }
}

bool Gate::is_late() const {
    // When nobody could look for long, one look is not enough.
    return deadline_ && Clock::now() >= *deadline_ && (trouble_ || answers_ > 1);
}

std::string Gate::excuse() const {
    if (was_blind_) return "; it could not be looked at for a while, so this is not held against its content";
    if (seen_ == Readiness::pending) return "; its machine has not begun, so this is not held against its content";
    return {};
}

std::optional<bool> Gate::is_healthy(const GateTools& tools, std::mutex& turn) {
    if (tools.health == nullptr) return std::nullopt;
    ServiceGroupRef service{service_, {}};
    for (const auto& unit : units_) service.units.push_back(unit.name);
    const std::unique_lock lock(turn, std::try_to_lock);
    if (!lock) {
        is_busy_ = true;
        return false;
    }
    const auto report = tools.health->check(service, make_call(tools));
    if (report.verdict == HealthReport::Verdict::not_checked) return std::nullopt;
    detail_ = "health check: " + (report.detail.empty() ? std::string("unhealthy") : report.detail);
    return report.verdict == HealthReport::Verdict::healthy;
}

Call Gate::make_call(const GateTools& tools) const {
    // A last look has a moment too, and no look takes longer than the wait.
    constexpr milliseconds moment{1'000};
    if (!deadline_) return tools.calls.make();
    const auto left = std::chrono::duration_cast<milliseconds>(*deadline_ - Clock::now());
    return tools.calls.make(std::min(tools.calls.timeout, std::max(left, moment)));
}

void Gate::tell(const GateTools& tools, const std::string& detail) {
    if (detail == told_) return;
    told_ = detail;
    tools.events.publish(WaitingForReady{unit_, detail});
}

void Gate::give_up(const GateTools& tools) const {
    if (trouble_) throw Error(*trouble_);
    const auto why = detail_.empty() ? std::string("the target does not say why") : detail_;
    if (!deadline_) throw Error(ErrorKind::rejected, why);
    if (!is_late()) {
        const auto what = is_unplaced() ? "is still on no machine: " : "is still not begun by its machine: ";
        throw Error(ErrorKind::rejected, what + why);
    }
    const auto time = is_brief_ ? tools.placement_grace : tools.timeout;
    throw Error(ErrorKind::rejected, "was not ready after " + duration_text(time) + ": " + why + excuse());
}

}  // namespace deployer
