#pragma once

#include "support/fleet/looks.hpp"
#include "support/fleet/systemd.hpp"

#include <deployer/unit.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::simulated {

/// Durations within fleet, as seen on a real cluster.
struct FleetPace {
    Time engine{2'000};    ///< between two looks of the engine, at most
    Time agent{5'000};     ///< between two looks of an agent, at most
    Time task{15};         ///< one task of an agent; an unload takes two
    Time report{1'000};    ///< an agent reports changes on its machine at each multiple of this time
    Time silence{24'000};  ///< an unchanged state is reported again after this time
    Systemd::Pace systemd = {.stop = Time{10}, .oneshot = Time{1'500}, .again = Time{100}};
};

/// A unit that an agent's machine should have.
struct Order {
    const Unit* unit;
    const std::string* hash;
};
using Orders = std::map<std::string_view, Order>;

/// A machine's report on a unit.
struct Report {
    Systemd::View view;
    std::string hash;

    bool operator==(const Report&) const = default;
};

/// Takes an agent's reports; in fleet this is the registry.
class Records {
public:
    Records() = default;
    Records(const Records&) = delete;
    Records& operator=(const Records&) = delete;
    Records(Records&&) = delete;
    Records& operator=(Records&&) = delete;
    virtual ~Records() = default;

    virtual void beat(const std::string& unit, std::size_t machine) = 0;
    virtual void clear_beat(const std::string& unit) = 0;
    virtual void tell(const std::string& unit, std::size_t machine, const Report& report) = 0;
    /// Drops all machines' reports on the unit.
    virtual void forget(const std::string& unit) = 0;
    /// Notes that systemd's view of the unit has changed.
    virtual void note(const std::string& unit) = 0;
};

/// fleet's agent on one machine, with that machine's systemd. The agent compares the registry's orders with the unit
/// files on the machine and with the units that it has started itself. It carries out the resulting tasks one after
/// another, without waiting for their effect (agent/reconcile.go, agent/agent.go, systemd/manager.go). It reports
/// systemd's view of a unit with the hash of the unit file; the agent does not know a process's content.
class Agent {
public:
    struct Options {
        std::size_t number = 0;
        /// True: as versions before 0.13, the agent does not load a loaded unit again when its content changes.
        bool is_old = false;
        FleetPace pace = {};
    };

    Agent(Options options, Records& records, Systemd::FateOf fate_of)
        : looks(options.pace.agent, Time{2'000}),
          options_(options),
          records_(&records),
          systemd_(std::move(fate_of), options.pace.systemd) {}

    Looks looks;

    /// Compares orders and machine. To be called only after all tasks of the former look are done.
    void look(const Orders& orders, Time now);
    /// Carries out all that is due at `now`, which must not be after next_event().
    void advance(Time now);
    [[nodiscard]] std::optional<Time> next_event() const;
    [[nodiscard]] std::optional<Time> next_look(Time now) const {
        return tasks_.empty() ? looks.next(now) : std::nullopt;
    }

    /// Adds the unit as if the machine had had it for long.
    void settle_in(const Unit& unit);
    void forget(std::string_view unit);
    /// Makes the agent report the unit again, because another machine's agent made the registry drop all reports on it.
    void tell_again(const std::string& unit);

    [[nodiscard]] const Systemd& systemd() const { return systemd_; }
    [[nodiscard]] Systemd& systemd() { return systemd_; }

private:
    enum class Kind { unload, remove, load, reload, stop, start };
    struct Task {
        Kind kind = Kind::reload;
        Unit unit = {};
    };

    void add_tasks(std::string_view unit, const Order* order);
    [[nodiscard]] bool perform(const Task& task);
    void report();
    void repeat_reports();
    void note_changes();

    Options options_;
    Records* records_;
    Systemd systemd_;
    Time now_{0};
    std::map<std::string, std::string, std::less<>> files_;    ///< hash of each unit's file
    std::map<std::string, DesiredState, std::less<>> target_;  ///< states that the agent has set: loaded or launched
    std::set<std::string, std::less<>> subscribed_;            ///< units that are reported
    std::set<std::string, std::less<>> dirty_;                 ///< units whose report may have changed
    std::map<std::string, Report, std::less<>> told_;
    std::map<std::string, Time, std::less<>> to_tell_again_;
    std::deque<Task> tasks_;
    Time task_due_{0};
    std::optional<Time> report_due_ = std::nullopt;
};

}  // namespace deployer::simulated
