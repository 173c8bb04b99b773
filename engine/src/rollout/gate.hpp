#pragma once

#include "actual/actual.hpp"
#include "events/events.hpp"
#include "events/report.hpp"
#include "host/calls.hpp"
#include "rollout/companions.hpp"

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

/// The tools that a gate looks with. All of them must outlive the gate's looks.
struct GateTools {
    Target& target;
    Health* health;  ///< null: there is none
    const Calls& calls;
    EventStream& events;
    std::size_t stable_samples;
    std::chrono::milliseconds timeout;  ///< as messages name it, and for a node whose machine begins late
    std::chrono::milliseconds placement_grace;
    const std::function<void()>& before_restart;  ///< called before a unit is put to rest to be started once more
};

/// The wait for the units of one node (R42): each in this version in its desired state, and then healthy, or where
/// there is no health check its sidekick in order, at several looks in a row. One thread at a time.
class Gate {
public:
    using Clock = std::chrono::steady_clock;

    /// `companions` are units of the node that did not change. A gate always has units. Without a deadline the first
    /// look decides, unless all is well. `was_idle`: an earlier wait ended before the machine had begun; if that is
    /// still so at the second look, this wait ends too.
    Gate(std::string service, std::vector<DeployedUnit> units, std::vector<DeployedUnit> companions,
         std::optional<Clock::time_point> deadline, bool was_idle = false);

    enum class Look {
        passed,
        again,  ///< after a while
        busy,   ///< another gate asks for the service's health just now: again soon, and this was no look
    };

    /// One look. Throws Error `rejected` or `not_found` when the gate never will be passed, or is not at the deadline;
    /// otherwise the error of target or health plugin, but `unavailable` only at the deadline, for it may pass.
    /// Where the machine has not begun at first, the time to the deadline counts from when it begins. `turn` keeps two
    /// gates of a service from asking for its health at once.
    Look look(const GateTools& tools, std::mutex& turn);

    /// For a gate that is not looked at again: a companion that is being started once more is launched now, even after
    /// a stop.
    void leave(const GateTools& tools);
    /// A companion that is down although it was started once more, where that does not keep the gate from being passed.
    [[nodiscard]] const std::optional<NotReady>& left_down() const noexcept { return companions_.left_down(); }

    /// The unit that the last look ended with.
    [[nodiscard]] const std::string& unit() const noexcept { return seen_.unit; }
    /// The machine of that unit has not begun with this version, or the unit has none: so the content is not the cause.
    [[nodiscard]] bool is_idle() const noexcept;
    /// The unit is on no machine.
    [[nodiscard]] bool is_unplaced() const noexcept { return seen_.readiness == Readiness::unplaced; }
    /// At a look, target or health plugin could not be asked: the unit may fail for the same reason.
    [[nodiscard]] bool was_blind() const noexcept { return was_blind_; }
    /// Whether a wait that ended badly is held against the content.
    [[nodiscard]] bool judges_content() const noexcept { return !is_idle() && !was_blind_; }
    [[nodiscard]] const std::vector<DeployedUnit>& units() const noexcept { return units_; }

private:
    /// The end of the last look.
    struct Sight {
        std::string unit;
        Readiness readiness = Readiness::waiting;
        std::string detail{};
    };
    [[nodiscard]] bool all_is_well(const GateTools& tools, std::mutex& turn);
    [[nodiscard]] bool companions_are_ready(const GateTools& tools);
    [[nodiscard]] bool companions_are_mended(const GateTools& tools);
    [[nodiscard]] bool is_companion_starting(const GateTools& tools);
    void note_restart(Companions::State state, const CompanionTools& tools);
    [[nodiscard]] CompanionTools companion_tools(const GateTools& tools);
    [[nodiscard]] bool is_ready(const DeployedUnit& unit, const GateTools& tools);
    [[nodiscard]] UnitStatus look_at(const DeployedUnit& unit, const GateTools& tools);
    /// Nullopt: there is no health check.
    [[nodiscard]] std::optional<bool> is_healthy(const GateTools& tools, std::mutex& turn);
    void note_placement(Readiness readiness, const std::string& detail, std::chrono::milliseconds grace);
    void note_beginning(std::chrono::milliseconds timeout);
    [[nodiscard]] bool is_late() const;
    /// Why a unit that is not ready is not held against its content; empty when it is.
    [[nodiscard]] std::string excuse() const;
    [[nodiscard]] Call make_call(const GateTools& tools) const;
    void tell(const GateTools& tools, const std::string& detail);
    [[noreturn]] void give_up(const GateTools& tools) const;

    std::string service_;
    std::vector<DeployedUnit> units_;
    Companions companions_;
    std::optional<Clock::time_point> deadline_;
    bool is_brief_;  ///< the first look decides, unless a companion has to be mended
    bool was_idle_;
    bool was_idle_at_first_ = false;  ///< at each look until the machine began
    bool has_begun_ = false;
    bool was_blind_ = false;
    bool is_busy_ = false;
    bool companions_turn_ = false;  ///< the next look is at the companions
    Sight seen_;
    std::string told_;              ///< the detail that was told last
    std::size_t good_ = 0;          ///< looks in a row at which all was well
    std::size_t answers_ = 0;       ///< looks that could be made
    std::optional<Error> trouble_;  ///< why the last look could not be made
    std::optional<Clock::time_point> unplaced_since_;
};

}  // namespace deployer
