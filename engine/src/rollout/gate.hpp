#pragma once

#include "actual/actual.hpp"
#include "events/events.hpp"
#include "events/report.hpp"
#include "host/calls.hpp"
#include "rollout/restart.hpp"

#include <deployer/error.hpp>
#include <deployer/health.hpp>
#include <deployer/target.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace deployer {

/// What a gate looks with. All of it must outlive the gate's looks.
struct GateTools {
    Target& target;
    Health* health;  ///< null: there is none
    const Calls& calls;
    EventStream& events;
    std::size_t stable_samples;
    std::chrono::milliseconds timeout;  ///< as messages name it
    std::chrono::milliseconds placement_grace;
    const std::function<void()>& before_restart;  ///< called before a unit is put to rest to be started once more
};

/// The wait for the units of one node (R42): each in this version in its desired state, and then healthy, or where
/// there is no health check its sidekick in order, at several looks in a row. One thread at a time.
///
/// A change of one unit may stop another one: a sidekick that is bound to its node stops along with the node. So a unit
/// of the node that did not change, is to run and does not is started once more, once in a gate.
class Gate {
public:
    using Clock = std::chrono::steady_clock;

    /// `companions` are units of the node that did not change. A gate always has units. Without a deadline the first
    /// look decides, unless all is well. `was_idle`: an earlier wait ended before the machine had begun; if that is
    /// still so at the second look, this one ends too.
    Gate(std::string service, std::vector<DeployedUnit> units, std::vector<DeployedUnit> companions,
         std::optional<Clock::time_point> deadline, bool was_idle = false);

    enum class Look {
        passed,
        again,  ///< after a while
        busy,   ///< somebody else asks for the service's health just now: again soon, and this was no look
    };

    /// One look. Throws Error `rejected` or `not_found` when the gate never will be passed, or is not at the deadline;
    /// what the target or the health plugin throws otherwise, but `unavailable` only at the deadline, for it may pass.
    /// Where the machine has not begun at first, the time to the deadline counts from when it begins. `turn` keeps two
    /// gates of a service from asking for its health at once.
    Look look(const GateTools& tools, std::mutex& turn);

    /// For a gate that is not looked at again: what is being started once more is launched now, even after a stop.
    void leave(const GateTools& tools);
    /// A companion that is down although it was started once more, where that does not keep the gate from being passed.
    [[nodiscard]] const std::optional<NotReady>& left_down() const noexcept { return left_down_; }

    /// The unit that the last look ended with.
    [[nodiscard]] const std::string& unit() const noexcept { return unit_; }
    /// Its machine has not begun with this version, or it has none: whatever it waits for, that is not the content.
    [[nodiscard]] bool is_idle() const noexcept;
    /// It has none.
    [[nodiscard]] bool is_unplaced() const noexcept { return seen_ == Readiness::unplaced; }
    /// At a look, target or health plugin could not be asked: what ails the unit since then may come from there.
    [[nodiscard]] bool was_blind() const noexcept { return was_blind_; }
    /// Whether a wait that ended badly is held against the content.
    [[nodiscard]] bool judges_content() const noexcept { return !is_idle() && !was_blind_; }
    [[nodiscard]] const std::vector<DeployedUnit>& units() const noexcept { return units_; }

private:
    [[nodiscard]] bool all_is_well(const GateTools& tools, std::mutex& turn);
    [[nodiscard]] bool companions_are_ready(const GateTools& tools);
    /// What of a healthy node is down is started once more, and does not count otherwise.
    [[nodiscard]] bool companions_are_mended(const GateTools& tools);
    [[nodiscard]] std::optional<NotReady> find_companion_down(const GateTools& tools, Readiness& how);
    [[nodiscard]] bool start_once_more(const std::string& unit, const GateTools& tools);
    [[nodiscard]] bool is_starting_once_more(const GateTools& tools);
    [[nodiscard]] bool is_ready(const DeployedUnit& unit, const GateTools& tools);
    /// The target's word on a unit.
    [[nodiscard]] UnitStatus look_at(const DeployedUnit& unit, const GateTools& tools);
    /// Nullopt: nothing can be told.
    [[nodiscard]] std::optional<bool> is_healthy(const GateTools& tools, std::mutex& turn);
    void note_placement(Readiness readiness, const std::string& detail, std::chrono::milliseconds grace);
    void note_beginning(std::chrono::milliseconds timeout);
    [[nodiscard]] bool is_late() const;
    /// Why what is wrong is not held against the content; empty when it is.
    [[nodiscard]] std::string excuse() const;
    [[nodiscard]] Call make_call(const GateTools& tools) const;
    void tell(const GateTools& tools, const std::string& detail);
    [[noreturn]] void give_up(const GateTools& tools) const;

    std::string service_;
    std::vector<DeployedUnit> units_;
    std::vector<DeployedUnit> companions_;
    std::optional<Clock::time_point> deadline_;
    bool is_brief_;  ///< a first look decides, unless something has to be mended
    bool was_idle_;
    bool was_idle_at_first_ = false;  ///< at each look until it began
    bool has_begun_ = false;
    bool was_blind_ = false;
    bool is_busy_ = false;
    bool companions_turn_ = false;  ///< the next look is at those
    std::string unit_;
    Readiness seen_ = Readiness::waiting;  ///< by the last look, of that unit
    std::string detail_;                   ///< likewise
    std::string told_;                     ///< what was told last
    std::size_t good_ = 0;                 ///< looks in a row at which all was well
    std::size_t answers_ = 0;              ///< looks that could be made
    std::optional<Error> trouble_;         ///< why the last look could not be made
    std::optional<Clock::time_point> unplaced_since_;
    std::size_t down_looks_ = 0;      ///< in a row at which a companion was not ready
    std::optional<Restart> restart_;  ///< of a companion
    bool is_restarted_ = false;       ///< a companion was told to start once more
    std::optional<NotReady> left_down_;
};

}  // namespace deployer
