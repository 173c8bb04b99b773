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

/// What becomes of a unit that is started.
enum class Fate {
    run,      ///< it stays up; with Type=oneshot, until it ends well
    fail,     ///< failed (failed)
    restart,  ///< activating (auto-restart), for ever
    hang,     ///< activating (start), for ever
    masked,   ///< it cannot be loaded
};

struct Process {
    std::string content = {};    ///< unit_file_hash() of the unit file that it was started with
    std::size_t invocation = 0;  ///< counted over all units of a machine, from 1
    Time since{0};

    bool operator==(const Process&) const = default;
};

/// systemd 252 on one machine, as far as fleet's agent and the relations between units make use of it: unit files,
/// jobs, the processes of units. A state machine without a clock, threads or files: whoever has it says what time it
/// is. The rules are those of systemd's src/core/{transaction,job,unit,service}.c; each has a test in
/// test_systemd_model.cpp.
class Systemd {
public:
    struct Pace {
        Time stop{10};        ///< from SIGTERM until the process has ended
        Time oneshot{1'500};  ///< a unit with Type=oneshot: until it ends
        Time again{100};      ///< RestartSec=
    };
    using FateOf = std::function<Fate(const Unit&)>;

    explicit Systemd(FateOf fate_of = {}, Pace pace = {.stop = Time{10}, .oneshot = Time{1'500}, .again = Time{100}});

    /// Unit files. What is in memory stays as it is until reload(): a unit that runs, has a job or failed, and what
    /// such a unit names.
    void write(const Unit& unit);
    void erase(std::string_view unit);
    void reload();

    /// Units that the machine has without fleet (fnmatch(3)); they are up.
    void provide(std::string glob) { provided_.push_back(std::move(glob)); }

    /// As the D-Bus calls StartUnit and StopUnit with mode "replace": they add jobs and wait for nothing. False:
    /// refused.
    bool start(std::string_view unit);
    bool stop(std::string_view unit);
    /// As ResetFailedUnit. False: no such unit is in memory.
    bool reset_failed(std::string_view unit);

    /// As if the unit's process died.
    void crash(std::string_view unit);
    /// As if the unit had been started long ago, with all that becomes of it; no job comes of it.
    void settle_in(const Unit& unit);

    void advance(Time now);
    /// When something happens next by itself.
    [[nodiscard]] std::optional<Time> next_event() const;

    struct View {
        std::string load = "not-found";
        std::string active = "inactive";
        std::string sub = "dead";

        bool operator==(const View&) const = default;
    };
    [[nodiscard]] View view(std::string_view unit) const;
    /// Nullopt: it has none.
    [[nodiscard]] std::optional<Process> process(std::string_view unit) const;
    /// The content of its last process, also when that has ended; empty: there was none.
    [[nodiscard]] std::string last_content(std::string_view unit) const;
    /// Whether it does what it is there for: it is up, or is a oneshot that is at it.
    [[nodiscard]] bool is_up(std::string_view unit) const;
    /// "start waiting", "stop running", or empty: it has no job.
    [[nodiscard]] std::string job(std::string_view unit) const;
    /// Whether it is in memory.
    [[nodiscard]] bool is_loaded(std::string_view unit) const;

    /// The units whose view changed since this was last asked.
    [[nodiscard]] std::set<std::string, std::less<>> take_changes() { return std::exchange(changes_, {}); }

private:
    enum class State { dead, failed, start, running, exited, auto_restart, stop, stop_sigterm };
    enum class JobKind { start, stop };
    struct Job {
        JobKind kind;
        bool is_running = false;
    };
    struct Entry {
        std::optional<Unit> config = std::nullopt;  ///< as read; nullopt: there is no file
        std::string hash = {};
        Relations relations = {};
        bool is_masked = false;
        Fate fate = Fate::run;  ///< of what it was started with last
        State state = State::dead;
        std::optional<Process> process = std::nullopt;
        std::string last_content = {};
        std::optional<Job> job = std::nullopt;
        std::optional<Time> due = std::nullopt;  ///< when its state changes by itself
    };
    using Entries = std::map<std::string, Entry, std::less<>>;
    enum class Result { done, failed, dependency, canceled };

    /// Jobs that are added together; who pulled each one in. The anchor is pulled in by itself.
    struct Transaction {
        std::string anchor;
        std::map<std::string, JobKind> jobs = {};
        std::set<std::pair<std::string, std::string>> pulled = {};  ///< (by whom, what)
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

    // Units and what they run: systemd_units.cpp.
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

    /// The units that name this one so.
    [[nodiscard]] Names naming(std::string_view unit, Names Relations::*relation) const;

    FateOf fate_of_;
    Pace pace_;
    Time now_{0};
    std::vector<std::string> provided_{"docker.service", "etcd*.service", "fleet.service", "*.target", "*.slice"};
    std::map<std::string, Unit, std::less<>> files_;
    std::set<std::string, std::less<>> touched_;  ///< files that are not as they were read
    Entries entries_;
    std::map<std::string, std::set<std::string>, std::less<>> named_by_;
    std::set<std::string> with_job_;
    std::set<std::pair<Time, std::string>> timers_;
    std::set<std::string, std::less<>> changes_;
    std::size_t invocations_ = 0;
    bool is_running_jobs_ = false;
};

}  // namespace deployer::simulated
