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

/// How long the parts of fleet take. As was seen on a real cluster.
struct FleetPace {
    Time engine{2'000};    ///< between two looks of the engine, at most
    Time agent{5'000};     ///< between two looks of an agent, at most
    Time task{15};         ///< of an agent, each; two for an unload
    Time report{1'000};    ///< an agent tells what changed on its machine at each multiple of this
    Time silence{24'000};  ///< what did not change is told again after this time
    Systemd::Pace systemd = {.stop = Time{10}, .oneshot = Time{1'500}, .again = Time{100}};
};

/// A unit that an agent's machine is to have.
struct Order {
    const Unit* unit;
    const std::string* hash;
};
using Orders = std::map<std::string_view, Order>;

/// What a machine tells of a unit.
struct Report {
    Systemd::View view;
    std::string hash;

    bool operator==(const Report&) const = default;
};

/// Where an agent writes down what it did.
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
    /// Whatever any machine told of it is forgotten.
    virtual void forget(const std::string& unit) = 0;
    /// systemd's view of it is another one.
    virtual void note(const std::string& unit) = 0;
};

/// fleet's agent on one machine, with that machine's systemd: compares what the registry wants with the unit files
/// there and what it has set going itself, and does the tasks that come of it one after another, without waiting for
/// any of them to have an effect (agent/reconcile.go, agent/agent.go, systemd/manager.go). What it tells is systemd's
/// view of a unit with the hash of its file; which content a process has, it does not know.
class Agent {
public:
    struct Options {
        std::size_t number = 0;
        /// As versions before 0.13: a unit that is loaded is not loaded anew for its content.
        bool is_old = false;
        FleetPace pace = {};
    };

    Agent(Options options, Records& records, Systemd::FateOf fate_of)
        : looks(options.pace.agent, Time{2'000}),
          options_(options),
          records_(&records),
          systemd_(std::move(fate_of), options.pace.systemd) {}

    Looks looks;

    /// Only when the tasks of the former look are through.
    void look(const Orders& orders, Time now);
    /// Does what is due; `now` is not after next_event().
    void advance(Time now);
    [[nodiscard]] std::optional<Time> next_event() const;
    [[nodiscard]] std::optional<Time> next_look(Time now) const {
        return tasks_.empty() ? looks.next(now) : std::nullopt;
    }

    /// As if the unit had been there for long.
    void settle_in(const Unit& unit);
    void forget(std::string_view unit);
    /// Another machine's agent had the registry forget what was told of the unit.
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
    std::map<std::string, std::string, std::less<>> files_;    ///< by unit, their hashes
    std::map<std::string, DesiredState, std::less<>> target_;  ///< what it has set going: loaded or launched
    std::set<std::string, std::less<>> subscribed_;            ///< what is told
    std::set<std::string, std::less<>> dirty_;                 ///< what may have to be told otherwise
    std::map<std::string, Report, std::less<>> told_;
    std::map<std::string, Time, std::less<>> to_tell_again_;
    std::deque<Task> tasks_;
    Time task_due_{0};
    std::optional<Time> report_due_ = std::nullopt;
};

}  // namespace deployer::simulated
