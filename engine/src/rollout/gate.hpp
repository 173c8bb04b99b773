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

/// The tools with which a gate looks at units. They must outlive each look.
struct GateTools {
    Target& target;
    Health* health;  ///< null: no health plugin
    const Calls& calls;
    EventStream& events;
    std::size_t stable_samples;
    std::chrono::milliseconds timeout;  ///< counts anew when the machine begins late; messages name it
    std::chrono::milliseconds placement_grace;
    const std::function<void()>& before_restart;  ///< called before a unit is put to rest to be started once more
};

/// The wait for the units of one node (R42). The gate is passed when several looks in a row find each unit in this
/// version and in its desired state, and the service healthy. Without a health check the companions have to be ready
/// instead. One thread at a time.
class Gate {
public:
    using Clock = std::chrono::steady_clock;

    /// `units` is not empty. `companions` are units of the node that did not change. Without a deadline the first look
    /// that finds a problem ends the wait. `was_idle`: an earlier wait ended before the machine had begun; if the
    /// machine has still not begun at the second look, this wait ends too.
    Gate(std::string service, std::vector<DeployedUnit> units, std::vector<DeployedUnit> companions,
         std::optional<Clock::time_point> deadline, bool was_idle = false);

    enum class Look {
        passed,
        again,  ///< look again after a while
        busy,   ///< another gate asks for the service's health just now: look again soon; this look does not count
    };

    /// Looks once. Throws Error `rejected` or `not_found` when the gate can no longer be passed, or is not passed by
    /// the deadline. Otherwise throws the error of target or health plugin; `unavailable` only at the deadline, because
    /// the outage may end before. If the machine has not begun at first, the time to the deadline counts from when the
    /// machine begins. `turn` keeps two gates of a service from asking for its health at once.
    Look look(const GateTools& tools, std::mutex& turn);

    /// To be called instead of further looks: launches a companion that is being started once more now, even after a
    /// stop, because it would stay at rest otherwise.
    void leave(const GateTools& tools);
    /// A companion that is down although it was started once more, and that does not keep the gate from being passed.
    [[nodiscard]] const std::optional<NotReady>& left_down() const noexcept { return companions_.left_down(); }

    /// The unit at which the last look ended.
    [[nodiscard]] const std::string& unit() const noexcept { return seen_.unit; }
    /// Whether the machine of unit() has not begun with this version, or the unit has no machine. The content is not
    /// the cause then.
    [[nodiscard]] bool is_idle() const noexcept;
    /// Whether unit() is on no machine.
    [[nodiscard]] bool is_unplaced() const noexcept { return seen_.readiness == Readiness::unplaced; }
    /// Whether target or health plugin could not be asked at a look. The unit may have failed for the same reason.
    [[nodiscard]] bool was_blind() const noexcept { return was_blind_; }
    /// Whether a wait that ended badly is held against the content.
    [[nodiscard]] bool judges_content() const noexcept { return !is_idle() && !was_blind_; }
    [[nodiscard]] const std::vector<DeployedUnit>& units() const noexcept { return units_; }

private:
    /// The result of the last look.
    struct Sight {
        std::string unit;
        Readiness readiness = Readiness::waiting;
        std::string detail{};
    };
    [[nodiscard]] bool all_is_well(const GateTools& tools, std::mutex& turn);
    [[nodiscard]] bool companions_are_ready(const GateTools& tools);
    [[nodiscard]] bool companions_are_mended(const GateTools& tools);
    [[nodiscard]] bool is_companion_starting(const GateTools& tools);
    void note_restart(Companions::State state);
    [[nodiscard]] CompanionTools companion_tools(const GateTools& tools);
    [[nodiscard]] bool is_ready(const DeployedUnit& unit, const GateTools& tools);
    [[nodiscard]] UnitStatus look_at(const DeployedUnit& unit, const GateTools& tools);
    /// Nullopt: the service has no health check.
    [[nodiscard]] std::optional<bool> is_healthy(const GateTools& tools, std::mutex& turn);
    void note_placement(Readiness readiness, const std::string& detail, std::chrono::milliseconds grace);
    void note_beginning(std::chrono::milliseconds timeout);
    [[nodiscard]] bool is_late() const;
    /// Why the content is not the cause of a unit that is not ready, for messages; empty: it may be.
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
    bool was_idle_at_first_ = false;  ///< a look found that the machine had not begun
    bool has_begun_ = false;
    bool was_blind_ = false;
    bool is_busy_ = false;
    bool companions_turn_ = false;  ///< the next look is at the companions
    Sight seen_;
    std::string told_;              ///< the detail of the last WaitingForReady
    std::size_t good_ = 0;          ///< looks in a row at which all was well
    std::size_t answers_ = 0;       ///< looks that could be made
    std::optional<Error> trouble_;  ///< why the last look could not be made
    std::optional<Clock::time_point> unplaced_since_;
};

}  // namespace deployer
