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
      companions_(std::move(companions), units_.front().name),
      deadline_(deadline),
      is_brief_(!deadline),
      was_idle_(was_idle),
      seen_{units_.front().name} {}

Gate::Look Gate::look(const GateTools& tools, std::mutex& turn) {
    bool is_well = false;
    is_busy_ = false;
    try {
        is_well = all_is_well(tools, turn);
        if (is_busy_) return Look::busy;
        trouble_.reset();
        ++answers_;
    } catch (const Error& error) {
        // A target that cannot answer now may answer at the next look.
        if (error.kind() != ErrorKind::unavailable) {
            leave(tools);
            throw;
        }
        trouble_ = error;
        was_blind_ = true;
        seen_.detail = error.what();
    }
    if (!trouble_) note_beginning(tools.timeout);
    // A companion that is started once more needs time, also where one look was to decide.
    if (companions_.was_tried() && !deadline_) deadline_ = Clock::now() + tools.placement_grace;
    good_ = is_well ? good_ + 1 : 0;
    if (good_ >= tools.stable_samples) return Look::passed;
    if (is_well)
        seen_.detail =
            "ready, " + std::to_string(good_) + " of " + quantity(tools.stable_samples, "look") + " in a row";
    if (deadline_) tell(tools, seen_.detail);
    // A node that is ready in time may show after the deadline that it stays ready.
    const bool is_idle_still = was_idle_ && is_idle() && !trouble_ && answers_ > 1;
    if (!is_well && (!deadline_ || is_late() || is_idle_still)) {
        leave(tools);
        give_up(tools);
    }
    return Look::again;
}

bool Gate::all_is_well(const GateTools& tools, std::mutex& turn) {
    if (is_companion_starting(tools)) return false;
    // Companions are bound to their node, so a look at either shows whether both run. Taking turns halves the calls to
    // the target.
    if (companions_turn_) {
        companions_turn_ = false;
        return companions_are_ready(tools);
    }
    for (const auto& unit : units_) {
        if (!is_ready(unit, tools)) return false;
    }
    const bool runs = std::any_of(units_.begin(), units_.end(),
                                  [](const auto& unit) { return unit.desired_state == DesiredState::launched; });
    // A unit that should not run has no health check to pass.
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
    const auto companions = companion_tools(tools);
    const auto state = companions_.look(is_brief_ ? 1 : tools.stable_samples, companions);
    note_restart(state);
    return state == Companions::State::ready;
}

bool Gate::companions_are_mended(const GateTools& tools) {
    const auto detail_of_node = seen_.detail;
    const auto companions = companion_tools(tools);
    const auto state = companions_.mend(companions);
    note_restart(state);
    if (state == Companions::State::starting) return false;
    seen_.detail = detail_of_node;
    return true;
}

bool Gate::is_companion_starting(const GateTools& tools) {
    const auto* const unit = companions_.starting();
    if (unit == nullptr) return false;
    seen_ = {unit->name, Readiness::waiting, "is started once more"};
    return companions_.go_on(companion_tools(tools));
}

void Gate::note_restart(Companions::State state) {
    if (state == Companions::State::starting) seen_.detail += ", is started once more";
}

CompanionTools Gate::companion_tools(const GateTools& tools) {
    return {[&](const DeployedUnit& unit) { return look_at(unit, tools); }, tools.target, tools.calls,
            tools.before_restart, deadline_.value_or(Clock::now() + tools.placement_grace)};
}

void Gate::leave(const GateTools& tools) {
    companions_.leave(tools.target, tools.calls.log);
}

UnitStatus Gate::look_at(const DeployedUnit& unit, const GateTools& tools) {
    seen_.unit = unit.name;
    auto status = tools.target.status(as_unit(unit), make_call(tools));
    seen_.readiness = status.readiness;
    seen_.detail = status.detail;
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
    return seen_.readiness == Readiness::pending || seen_.readiness == Readiness::unplaced ||
           seen_.readiness == Readiness::absent;
}

void Gate::note_beginning(milliseconds timeout) {
    if (is_idle()) {
        was_idle_at_first_ = was_idle_at_first_ || !has_begun_;
    } else if (!std::exchange(has_begun_, true) && was_idle_at_first_ && deadline_) {
        deadline_ = Clock::now() + timeout;
    }
}

bool Gate::is_late() const {
    // After an outage a single look is not enough, because the unit may just be starting.
    return deadline_ && Clock::now() >= *deadline_ && (trouble_ || answers_ > 1);
}

std::string Gate::excuse() const {
    if (was_blind_) return "; it could not be looked at for a while, so this is not held against its content";
    if (seen_.readiness == Readiness::pending)
        return "; its machine has not begun, so this is not held against its content";
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
    seen_.detail = "health check: " + (report.detail.empty() ? std::string("unhealthy") : report.detail);
    return report.verdict == HealthReport::Verdict::healthy;
}

Call Gate::make_call(const GateTools& tools) const {
    // A look ends with the wait, but even the last look gets a second.
    constexpr milliseconds moment{1'000};
    if (!deadline_) return tools.calls.make();
    const auto left = std::chrono::duration_cast<milliseconds>(*deadline_ - Clock::now());
    return tools.calls.make(std::min(tools.calls.timeout, std::max(left, moment)));
}

void Gate::tell(const GateTools& tools, const std::string& detail) {
    if (detail == told_) return;
    told_ = detail;
    tools.events.publish(WaitingForReady{seen_.unit, detail});
}

void Gate::give_up(const GateTools& tools) const {
    if (trouble_) throw Error(*trouble_);
    const auto why = seen_.detail.empty() ? std::string("the target does not say why") : seen_.detail;
    if (!deadline_) throw Error(ErrorKind::rejected, why);
    if (!is_late()) {
        const auto what = is_unplaced() ? "is still on no machine: " : "is still not begun by its machine: ";
        throw Error(ErrorKind::rejected, what + why);
    }
    const auto time = is_brief_ ? tools.placement_grace : tools.timeout;
    throw Error(ErrorKind::rejected, "was not ready after " + duration_text(time) + ": " + why + excuse());
}

}  // namespace deployer
