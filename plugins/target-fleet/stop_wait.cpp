#include "stop_wait.hpp"

#include "agent.hpp"
#include "placement.hpp"

#include <algorithm>
#include <optional>

namespace deployer::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// After so many looks a unit that its agent calls stopped, and that goes on, is not only waiting for systemd.
constexpr int looks_before_telling_again = 4;

/// A machine that has not begun to stop a unit by then hangs, or has too much else to do.
constexpr milliseconds longest_beginning{60'000};

/// How long fleet may be out of reach while a unit stops, before that counts. The unit stops meanwhile all the same.
constexpr milliseconds patience{30'000};

bool is_at_rest(const StateEntry& entry) {
    return entry.active == "inactive" || entry.active == "failed";
}

/// One wait for one unit.
class StopWait {
public:
    StopWait(const FleetApi& api, milliseconds look_every, const Unit& unit, const Call& call)
        : api_(api), look_every_(look_every), unit_(unit), call_(call) {}

    void run(const std::vector<std::string>& bound);

private:
    [[nodiscard]] bool is_any_stopping(const std::vector<std::string>& units) const;
    [[nodiscard]] bool has_begun(const FleetUnit& held);
    [[nodiscard]] bool has_stopped();
    void tell_again() const;

    const FleetApi& api_;
    milliseconds look_every_;
    const Unit& unit_;
    const Call& call_;
    bool is_begun_ = false;      ///< the unit's agent has acted
    bool is_under_way_ = false;  ///< systemd stops the unit
    int looks_in_vain_ = 0;      ///< looks in a row, since the agent acted, at which systemd did not stop the unit
    std::string detail_;
    std::optional<steady_clock::time_point> unplaced_since_;  ///< on no machine, and inactive
};

void StopWait::run(const std::vector<std::string>& bound) {
    const auto begin = steady_clock::now();
    auto last_answer = begin;
    while (call_.wait(look_every_)) {
        try {
            if (has_stopped()) return;
            last_answer = steady_clock::now();
            if (!is_begun_ && last_answer - begin > longest_beginning) break;
            if (looks_in_vain_ >= looks_before_telling_again) {
                if (!is_any_stopping(bound)) tell_again();
                looks_in_vain_ = 0;
            }
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::unavailable || steady_clock::now() - last_answer > patience) throw;
            is_under_way_ = false;
            // An answer that the deadline cut off says less than the answer before it.
            if (detail_.empty() || call_.remaining().count() > 0) detail_ = error.what();
        }
        // The former process is certain to end first: systemd starts a unit that is stopping only after the stop.
        if (is_under_way_ && call_.remaining() < look_every_ + between_looks + 2 * last_moment) return;
    }
    if (call_.stop.stop_requested()) call_.check("waiting for " + unit_.name + " to stop");
    throw Error(ErrorKind::rejected, "it does not stop: " + (detail_.empty() ? "fleet does not tell why" : detail_));
}

bool StopWait::is_any_stopping(const std::vector<std::string>& units) const {
    return std::any_of(units.begin(), units.end(), [&](const auto& unit) {
        const auto entries = api_.states(unit, call_);
        return std::any_of(entries.begin(), entries.end(),
                           [](const StateEntry& entry) { return entry.active == "deactivating"; });
    });
}

bool StopWait::has_begun(const FleetUnit& held) {
    if (is_global(held.unit) || held.current_state == to_string(DesiredState::loaded)) return true;
    // `inactive` can be left from a change before, while systemd still stops the unit. It can be believed once no
    // machine has had the unit for a while.
    const bool is_on_no_machine = held.machine.empty() && held.current_state == to_string(DesiredState::inactive);
    if (!is_on_no_machine) {
        unplaced_since_.reset();
        return false;
    }
    if (!unplaced_since_) unplaced_since_ = steady_clock::now();
    return steady_clock::now() - *unplaced_since_ >= agent_round;
}

/// First the unit's agent has to have acted: a unit can be at rest for other reasons, while its agent has yet to do
/// what it was told. Then its machine has to say that the process has ended, for the agent does not wait for that.
bool StopWait::has_stopped() {
    if (!is_begun_) {
        const auto held = api_.find(unit_.name, call_);
        if (!held) throw gone();
        is_begun_ = has_begun(*held);
        detail_ = "its machine has not begun to stop it";
        if (!is_begun_) return false;
    }
    const auto entries = api_.states(unit_.name, call_);
    const auto running = std::find_if_not(entries.begin(), entries.end(), is_at_rest);
    if (running != entries.end()) {
        is_under_way_ = std::all_of(running, entries.end(), [](const StateEntry& entry) {
            return is_at_rest(entry) || entry.active == "deactivating";
        });
        detail_ = running->active + " (" + running->sub + ")";
        looks_in_vain_ = is_under_way_ ? 0 : looks_in_vain_ + 1;
        return false;
    }
    // Of a global unit, fleet does not tell whether a machine has acted.
    if (is_global(unit_) && !call_.wait(agent_round)) call_.check("waiting for " + unit_.name + " to stop");
    return true;
}

/// Where another unit that wants this unit is started in the same moment, systemd starts this unit instead of stopping
/// it. The agent takes the unit for stopped and does not stop it again, unless the agent has started it before.
void StopWait::tell_again() const {
    call_.log.info(unit_.name + " was told to stop and goes on, so it is told again");
    (void)api_.set_desired_state(unit_.name, DesiredState::launched, call_);
    for (int look = 0; look < looks_before_telling_again && call_.wait(look_every_); ++look) {
        const auto held = api_.find(unit_.name, call_);
        if (held && held->current_state == to_string(DesiredState::launched)) break;
    }
    (void)call_.wait(std::min(between_looks, look_every_));
    (void)api_.set_desired_state(unit_.name, DesiredState::loaded, call_);
}

}  // namespace

void wait_until_stopped(const FleetApi& api, milliseconds look_every, const Unit& unit,
                        const std::vector<std::string>& bound, const Call& call) {
    StopWait(api, look_every, unit, call).run(bound);
}

}  // namespace deployer::fleet
