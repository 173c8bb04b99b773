#pragma once

#include "support/fleet/relations.hpp"

#include <deployer/unit.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::simulated {

/// The outcome of starting a unit.
enum class Fate {
    run,      ///< the unit stays up; with Type=oneshot it ends successfully
    fail,     ///< failed (failed)
    restart,  ///< activating (auto-restart), for ever
    hang,     ///< activating (start), for ever
    masked,   ///< the unit cannot be loaded
};

struct Process {
    std::string content = {};    ///< unit_file_hash() of the unit file at the start
    std::size_t invocation = 0;  ///< counted over all units of a machine, from 1
    Time since{0};

    bool operator==(const Process&) const = default;
};

/// A model of systemd 252 on one machine, with the parts that fleet's agent and the relations between units use: unit
/// files, jobs, and the processes of units. It is a state machine without a clock, threads or files; the caller gives
/// the time. The rules are those of systemd's src/core/{transaction,job,unit,service}.c; each has a test in
/// test_systemd_model.cpp.
class Systemd {
public:
    struct Pace {
        Time stop{10};        ///< from SIGTERM until the process has ended
        Time oneshot{1'500};  ///< from the start of a Type=oneshot unit until its end
        Time again{100};      ///< RestartSec=
    };
    using FateOf = std::function<Fate(const Unit&)>;

    explicit Systemd(FateOf fate_of = {}, Pace pace = {.stop = Time{10}, .oneshot = Time{1'500}, .again = Time{100}});

    /// Writes a unit file. Units in memory keep the former content until reload(): those that run, have a job or have
    /// failed, and the units that these name.
    void write(const Unit& unit);
    void erase(std::string_view unit);
    void reload();

    /// Adds units that the machine has without fleet, by a glob (fnmatch(3)); they are up.
    void provide(std::string glob) { provided_.push_back(std::move(glob)); }

    /// As the D-Bus calls StartUnit and StopUnit with mode "replace": they add jobs and do not wait. False when systemd
    /// refuses.
    bool start(std::string_view unit);
    bool stop(std::string_view unit);
    /// As ResetFailedUnit. False when no such unit is in memory.
    bool reset_failed(std::string_view unit);

    /// Ends the unit's process as a crash does.
    void crash(std::string_view unit);
    /// Puts the unit into the state that it would have long after a start; adds no job.
    void settle_in(const Unit& unit);

    void advance(Time now);
    /// The time of the next event.
    [[nodiscard]] std::optional<Time> next_event() const;

    struct View {
        std::string load = "not-found";
        std::string active = "inactive";
        std::string sub = "dead";

        bool operator==(const View&) const = default;
    };
    [[nodiscard]] View view(std::string_view unit) const;
    /// The unit's process; nullopt when it has none.
    [[nodiscard]] std::optional<Process> process(std::string_view unit) const;
    /// The content of the unit's last process, which may have ended; empty when there was none.
    [[nodiscard]] std::string last_content(std::string_view unit) const;
    /// Whether the unit is up, or is a oneshot that runs.
    [[nodiscard]] bool is_up(std::string_view unit) const;
    /// The unit's job: "start waiting", "stop running", or empty for none.
    [[nodiscard]] std::string job(std::string_view unit) const;
    /// Whether the unit is in memory.
    [[nodiscard]] bool is_loaded(std::string_view unit) const;

    /// The units whose view has changed since the last call.
    [[nodiscard]] std::set<std::string, std::less<>> take_changes() { return std::exchange(changes_, {}); }

private:
    enum class State { dead, failed, start, running, exited, auto_restart, stop, stop_sigterm };
    enum class JobKind { start, stop };
    struct Job {
        JobKind kind;
        bool is_running = false;
    };
    struct Entry {
        std::optional<Unit> config = std::nullopt;  ///< the file's content when it was read; nullopt: no file
        std::string hash = {};
        Relations relations = {};
        bool is_masked = false;
        Fate fate = Fate::run;  ///< fate of the content at the last start
        State state = State::dead;
        std::optional<Process> process = std::nullopt;
        std::string last_content = {};
        std::optional<Job> job = std::nullopt;
        std::optional<Time> due = std::nullopt;  ///< time of the next change of state
    };
    using Entries = std::map<std::string, Entry, std::less<>>;
    enum class Result { done, failed, dependency, canceled };

    /// Jobs that are added together, and the unit that pulled in each job. Nothing pulls in the anchor's job.
    struct Transaction {
        std::string anchor;
        std::map<std::string, JobKind> jobs = {};
        std::set<std::pair<std::string, std::string>> pulled = {};  ///< (pulling unit, pulled unit)
    };

    // Transactions: systemd_jobs.cpp.
    bool add_start(Transaction& transaction, const std::string& unit, const std::string& by);
    void add_stop(Transaction& transaction, const std::string& unit, const std::string& by);
    void drop_redundant(Transaction& transaction) const;
    void install(const Transaction& transaction);
    void enqueue_stop(const std::string& unit);
    void run_jobs();
    [[nodiscard]] bool is_runnable(const std::string& unit, const Entry& entry) const;
    bool run_job(const std::string& unit, Entry& entry);
    bool run_start(const std::string& unit, Entry& entry);
    bool run_stop(const std::string& unit, Entry& entry);
    void finish_job(const std::string& unit, Entry& entry, Result result);

    // Units and their processes: systemd_units.cpp.
    Entry& entry_of(std::string_view unit);
    [[nodiscard]] const Entry* find(std::string_view unit) const;
    void read(const std::string& unit, Entry& entry);
    void spawn(const std::string& unit, Entry& entry);
    void begin_stop(const std::string& unit, Entry& entry);
    void set_state(const std::string& unit, Entry& entry, State state);
    bool process_job(const std::string& unit, Entry& entry);
    void stop_bound(const std::string& unit);
    void time_out(const std::string& unit, Entry& entry);
    void set_due(const std::string& unit, Entry& entry, std::optional<Time> due);
    [[nodiscard]] Fate fate_of(const Unit& unit) const { return fate_of_ ? fate_of_(unit) : Fate::run; }
    [[nodiscard]] bool is_provided(std::string_view unit) const;
    [[nodiscard]] bool is_kept(const Entry& entry) const;
    [[nodiscard]] bool is_active(std::string_view unit) const;

    static bool is_active(State state) { return state == State::running || state == State::exited; }
    static bool is_activating(State state) { return state == State::start || state == State::auto_restart; }
    static bool is_at_rest(State state) { return state == State::dead || state == State::failed; }
    static bool is_deactivating(State state) { return state == State::stop || state == State::stop_sigterm; }

    /// The units that name this unit in that relation.
    [[nodiscard]] Names naming(std::string_view unit, Names Relations::*relation) const;

    FateOf fate_of_;
    Pace pace_;
    Time now_{0};
    std::vector<std::string> provided_{"docker.service", "etcd*.service", "fleet.service", "*.target", "*.slice"};
    std::map<std::string, Unit, std::less<>> files_;
    std::set<std::string, std::less<>> touched_;  ///< files that have changed since they were read
    Entries entries_;
    std::map<std::string, std::set<std::string>, std::less<>> named_by_;
    std::set<std::string> with_job_;
    std::set<std::pair<Time, std::string>> timers_;
    std::set<std::string, std::less<>> changes_;
    std::size_t invocations_ = 0;
    bool is_running_jobs_ = false;
};

}  // namespace deployer::simulated
