#pragma once

#include "support/fleet/agent.hpp"
#include "support/fleet/registry.hpp"

#include <deployer/unit.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::simulated {

/// The process of a unit, as a look at its machine shows; fleet may report something else.
struct UnitProcess {
    std::size_t machine = 0;
    Process process = {};
    Systemd::View view = {};
};

/// fleet without its API: a registry, an engine and, on each machine, an agent with a systemd. The caller gives the
/// time. To be used by one thread.
class Cluster final : private Records {
public:
    struct Options {
        std::size_t machines = 3;
        bool is_old = false;
        FleetPace pace = {};
    };

    Cluster(const Options& options, const Systemd::FateOf& fate_of, std::function<bool(const Unit&)> is_schedulable);

    void advance(Time now);
    /// The time of the next event; nullopt when none is pending.
    [[nodiscard]] std::optional<Time> next_event() const;

    /// The operations of the registry's clients. put() gives an existing unit the new content and state.
    void put(const Unit& unit);
    void set_desired_state(std::string_view unit, DesiredState state);
    void destroy(std::string_view unit);

    /// Adds the unit as if it had been in its desired state for long.
    void settle_in(const Unit& unit);
    void crash(std::string_view unit);

    [[nodiscard]] const Slots& slots() const { return slots_; }
    [[nodiscard]] Slots& slots() { return slots_; }
    [[nodiscard]] const Slot* find(std::string_view unit) const;

    /// The processes of a unit on all machines.
    [[nodiscard]] std::vector<UnitProcess> processes(std::string_view unit) const;
    /// The systemd of the machine that a unit is scheduled to; null when it is scheduled to none.
    [[nodiscard]] const Systemd* systemd_of(std::string_view unit) const;

    /// Whether the unit was up at that time and its machine reported it.
    [[nodiscard]] static bool was_up(const Slot& slot, Time time);

private:
    void look();
    void schedule_units();
    void give_orders(Agent& agent, std::size_t number);
    void place_by_itself(Slot& slot);
    void change(Looks::Change change);
    void notice_beat();
    void note_history();

    void beat(const std::string& unit, std::size_t machine) override;
    void clear_beat(const std::string& unit) override;
    void tell(const std::string& unit, std::size_t machine, const Report& report) override;
    void forget(const std::string& unit) override;
    void note(const std::string& unit) override;

    Options options_;
    std::function<bool(const Unit&)> is_schedulable_;
    Time now_{0};
    Slots slots_;
    std::vector<Agent> agents_;
    Looks engine_looks_;
    std::size_t placed_ = 0;
    std::set<std::string> noted_;  ///< units whose history may need another entry
};

/// The difference between the machines and the registry's order: "is to run, but is inactive (dead)"; empty for none.
[[nodiscard]] std::string lie_about(const Cluster& cluster, const std::string& unit, const Slot& slot);

}  // namespace deployer::simulated
