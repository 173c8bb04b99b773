#pragma once

#include "support/http_server.hpp"

#include <deployer/unit.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// How long the agents of a FleetDouble take, by its own clock. As was seen on a real cluster.
struct FleetPace {
    using Time = std::chrono::milliseconds;
    Time create{2'000};   ///< a new unit: until a machine has it
    Time notice{2'000};   ///< a replaced unit: until the old version is stopped; meanwhile nothing has changed
    Time gap{4'000};      ///< then: until a machine has the new version; meanwhile none has any
    Time change{1'000};   ///< a unit told another desired state: until it is in it
    Time oneshot{1'000};  ///< a unit with Type=oneshot: until it ends
    Time stop{3'000};     ///< a destroyed unit: until it has stopped, and its state is told no more
};

struct FleetOptions {
    std::size_t page_size = 100;
    std::size_t machines = 3;
    /// As versions before 0.13: keeps the options of a unit that is there, and a unit that is created while the former
    /// one of its name still stops stays what the former one was.
    bool is_old = false;
    /// Seconds of its clock in a second. 0: it stands, and advance() moves it.
    double speed = 0;
    std::chrono::milliseconds latency{0};  ///< of every answer, in real time
    FleetPace pace = {};
    std::uint16_t port = 0;                  ///< 0: a free one
    std::filesystem::path unix_socket = {};  ///< empty: by TCP
};

/// What one machine says of a unit. Without hash and machine: those that the unit has.
struct FleetState {
    std::string load = "loaded";
    std::string active = "active";
    std::string sub = "running";
    std::string hash = {};
    std::string machine = {};
};

/// A request as it is recorded and as faults see it.
struct FleetRequest {
    std::string method;
    std::string unit;  ///< that it is about; empty for listings
    /// "PUT foo.service", "GET foo.service", "GET /units", "GET /units page 2", "GET /state foo.service"
    std::string line;
    std::size_t nth;  ///< with this line, from 1
};

/// What goes wrong with a request. Several can be combined.
///     fleet.set_fault([](const FleetRequest& request) -> std::optional<FleetFault> {
///         if (request.line != "PUT foo.service" || request.nth > 1) return std::nullopt;
///         return FleetFault{.status = 500};
///     });
struct FleetFault {
    bool drop = false;                                    ///< the connection ends; nothing is done
    bool lose_answer = false;                             ///< it is done, then the connection ends
    std::optional<int> status = std::nullopt;             ///< an error instead; nothing is done
    std::string message = {};                             ///< of that error
    HttpHeaders headers = {};                             ///< added, e.g. Retry-After
    std::optional<std::string> body = std::nullopt;       ///< instead of the one that there would be
    std::optional<std::size_t> cut_after = std::nullopt;  ///< so many bytes of the body, then the connection ends
    std::optional<HttpReply::Framing> framing = std::nullopt;
    std::chrono::milliseconds drip{0};   ///< before each byte of the body
    std::chrono::milliseconds delay{0};  ///< before the answer
    bool repeat_token = false;           ///< the page names itself as the next one
    bool leave_out = false;              ///< the page lacks its first unit and every fifth after it
    std::string lacks = {};              ///< the page lacks units that match (fnmatch(3))
};

/// A fleet cluster in this process: its API over HTTP, and agents that do what they are told in the time that real ones
/// take. Any number of them can live side by side. Everything can be called from any thread.
///     FleetDouble fleet;
///     const auto target = load_target("target-fleet", "endpoint: " + fleet.endpoint());
///     target->apply(unit, call);
///     fleet.advance(10s);
///     CHECK(fleet.runs("foo.service"));
class FleetDouble {
public:
    using Time = std::chrono::milliseconds;
    using Fault = std::function<std::optional<FleetFault>(const FleetRequest&)>;

    /// What becomes of a unit that is to be launched. What is not told otherwise runs; with Type=oneshot, to its end.
    enum class Behaviour {
        run,
        fail,           ///< failed (failed)
        restart,        ///< activating (auto-restart), for ever
        hang,           ///< activating (start), for ever
        masked,         ///< loaded by no machine's systemd
        unschedulable,  ///< fit for no machine
    };

    explicit FleetDouble(FleetOptions options = {});

    /// As target-fleet's setting wants it.
    [[nodiscard]] std::string endpoint() const;
    [[nodiscard]] HttpServer& server() noexcept { return server_; }

    void advance(Time time);
    /// Until nothing is on its way any more.
    void settle();
    [[nodiscard]] Time now() const;

    /// As if it had been there for long, in its desired state.
    void add(const Unit& unit);
    /// As if another client destroyed it.
    void remove(std::string_view unit);
    /// As if what fleet has stored of it were damaged: listings lack it, all else that is asked about it gets a 500.
    /// Its machine goes on as if nothing were.
    void spoil(std::string_view unit);
    /// For units that match (fnmatch(3)), from their next change on; with `version` only where that is somewhere in an
    /// option's value. Later calls win.
    void behave(std::string glob, Behaviour behaviour, std::string version = {});
    /// Whatever its agents do, this is what its machines are said to say, and its current state.
    void show(std::string_view unit, std::vector<FleetState> states, std::string current_state = "launched");

    /// As the API has them, by name.
    [[nodiscard]] std::vector<Unit> units() const;
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] std::optional<Unit> find(std::string_view unit) const;
    [[nodiscard]] std::string current_state(std::string_view unit) const;

    [[nodiscard]] bool runs(std::string_view unit) const;
    [[nodiscard]] bool ran_at(std::string_view unit, Time time) const;
    /// The hash of the version that a machine has; empty: none has any.
    [[nodiscard]] std::string version_of(std::string_view unit) const;
    /// How many of these did not run at once, at most, from then until now.
    [[nodiscard]] std::size_t most_down(const std::vector<std::string>& units, Time since) const;

    /// Called one request at a time, before anything is done about it; it must not ask the double.
    void set_fault(Fault fault);

    /// All requests so far, as lines.
    [[nodiscard]] std::vector<std::string> requests() const;
    /// Those that change something: PUT and DELETE.
    [[nodiscard]] std::vector<std::string> writes() const;
    /// Requests whose line begins so.
    [[nodiscard]] std::size_t count(std::string_view line) const;
    void forget_requests();

private:
    /// How a unit is from a moment on.
    struct Phase {
        Time from{0};
        std::string current_state = "inactive";
        bool is_scheduled = false;
        bool runs = false;
        std::optional<FleetState> state = std::nullopt;
    };
    struct Slot {
        bool exists = false;
        bool is_unreadable = false;
        Unit unit = {};
        std::vector<Phase> phases = std::vector<Phase>(1);  ///< in order; all that were, and all to come
        std::optional<std::vector<FleetState>> shown_states = std::nullopt;
        std::string shown_current_state = {};
    };
    using Slots = std::map<std::string, Slot, std::less<>>;

    struct Told {
        std::string glob;
        Behaviour behaviour;
        std::string version;
    };

    [[nodiscard]] Time time_now() const;
    [[nodiscard]] Behaviour behaviour_of(const Unit& unit) const;
    [[nodiscard]] static const Phase& phase_at(const Slot& slot, Time time);
    static void forget_plans(Slot& slot, Time time);
    [[nodiscard]] std::vector<Phase> arrival(const Unit& unit, Time at) const;
    [[nodiscard]] std::vector<Phase> launch(const Unit& unit, Time at) const;
    void arrive(Slot& slot, Time at) const;

    void create(Slot& slot, const Unit& unit);
    void replace(Slot& slot, const Unit& unit);
    void change_state(Slot& slot, DesiredState state);
    void destroy(Slot& slot);

    /// None when there is no such unit; throws when fleet cannot read it.
    [[nodiscard]] Slots::iterator find_readable(std::string_view name);

    HttpReply handle(const HttpRequest& request);
    [[nodiscard]] FleetRequest record(const HttpRequest& request);
    HttpReply answer(const HttpRequest& request, const FleetFault& fault);
    HttpReply list_units(const HttpRequest& request, const FleetFault& fault) const;
    HttpReply list_states(const HttpRequest& request, const FleetFault& fault) const;
    HttpReply list_machines() const;
    HttpReply get_unit(std::string_view name);
    HttpReply put_unit(const HttpRequest& request, const std::string& name);
    HttpReply delete_unit(std::string_view name);

    [[nodiscard]] std::string unit_json(const std::string& name, const Slot& slot) const;
    [[nodiscard]] std::vector<std::string> state_jsons(const std::string& name, const Slot& slot) const;
    /// An item's unit and its JSON.
    using Items = std::vector<std::pair<std::string, std::string>>;
    [[nodiscard]] HttpReply page(std::string_view list, const Items& items, std::size_t number, bool has_next,
                                 const FleetFault& fault) const;

    FleetOptions options_;
    mutable std::mutex mutex_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    Time advanced_{0};
    Slots slots_;
    std::vector<Told> behaviours_;
    Fault fault_;
    std::vector<std::string> requests_;
    std::map<std::string, std::size_t, std::less<>> counts_;
    HttpServer server_;  ///< last: its threads use all of the above
};

}  // namespace deployer
