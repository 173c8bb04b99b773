#pragma once

#include "support/fleet/api.hpp"
#include "support/fleet/cluster.hpp"
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
#include <vector>

namespace deployer {

using simulated::FleetFault;
using simulated::FleetPace;
using simulated::FleetState;

struct FleetOptions {
    std::size_t page_size = 100;
    std::size_t machines = 3;
    /// As versions before 0.13: keeps the options of a unit that is there, and a unit that is created before its
    /// machine has noticed that the former one of its name was destroyed stays what the former one was.
    bool is_old = false;
    /// Seconds of its clock in a second. 0: it stands, and advance() moves it.
    double speed = 0;
    std::chrono::milliseconds latency{0};  ///< of every answer, in real time
    FleetPace pace = {};
    std::uint16_t port = 0;                  ///< 0: a free one
    std::filesystem::path unix_socket = {};  ///< empty: by TCP
};

/// A request as it is recorded and as faults see it.
struct FleetRequest {
    std::string method;
    std::string unit;  ///< that it is about; empty for listings
    /// "PUT foo.service", "GET foo.service", "GET /units", "GET /units page 2", "GET /state foo.service"
    std::string line;
    std::size_t nth;  ///< with this line, from 1
};

/// The process of a unit.
struct FleetProcess {
    std::string content;  ///< unit_file_hash() of what it was started with
    std::string machine;
    std::size_t invocation;  ///< another one after each start
    std::chrono::milliseconds since;

    bool operator==(const FleetProcess&) const = default;
};

/// A fleet cluster in this process: its API over HTTP, its agents, and the systemd of each machine, which do what they
/// are told in the time that real ones take, with the effects that it has there (see fleet/agent.hpp,
/// fleet/systemd.hpp). Any number of them can live side by side. Everything can be called from any thread.
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

    /// Whether it is up and its machine says so.
    [[nodiscard]] bool runs(std::string_view unit) const;
    [[nodiscard]] bool ran_at(std::string_view unit, Time time) const;
    /// The hash that its machine tells, of the unit file that it has; empty: none tells any.
    [[nodiscard]] std::string version_of(std::string_view unit) const;
    /// How many of these did not run at once, at most, from then until now.
    [[nodiscard]] std::size_t most_down(const std::vector<std::string>& units, Time since) const;

    /// What is so, whatever fleet says: the process that a unit has; nullopt: it has none.
    [[nodiscard]] std::optional<FleetProcess> process(std::string_view unit) const;
    /// "active (running)", "deactivating (stop)", …: what the unit's own machine would say; empty: it has none.
    [[nodiscard]] std::string truth(std::string_view unit) const;
    /// What is not so as the registry wants it, for people: of a unit that is to be launched, that it does not run, or
    /// runs another content; of any other, that it runs. Empty when all is as it should be.
    [[nodiscard]] std::vector<std::string> lies() const;
    /// As if the unit's process died.
    void crash(std::string_view unit);

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
    struct Told {
        std::string glob;
        Behaviour behaviour;
        std::string version;
    };

    [[nodiscard]] Time time_now() const;
    [[nodiscard]] Behaviour behaviour_of(const Unit& unit) const;
    [[nodiscard]] simulated::Fate fate_of(const Unit& unit) const;
    /// With what has happened since.
    simulated::Cluster& cluster() const;

    HttpReply handle(const HttpRequest& request);
    [[nodiscard]] FleetRequest record(const HttpRequest& request);

    FleetOptions options_;
    mutable std::mutex mutex_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    Time advanced_{0};
    std::vector<Told> behaviours_;
    mutable simulated::Cluster cluster_;
    simulated::Api api_;
    Fault fault_;
    std::vector<std::string> requests_;
    std::map<std::string, std::size_t, std::less<>> counts_;
    HttpServer server_;  ///< last: its threads use all of the above
};

}  // namespace deployer
