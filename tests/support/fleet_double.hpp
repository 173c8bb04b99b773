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
    /// True: behaves as versions before 0.13. An existing unit keeps its options. A unit that is created before its
    /// machine has noticed the destroy of the former unit of that name keeps the former content.
    bool is_old = false;
    /// Seconds of the cluster's clock in a real second. 0: the clock stands, and advance() moves it.
    double speed = 0;
    std::chrono::milliseconds latency{0};  ///< delay of every answer, in real time
    FleetPace pace = {};
    std::uint16_t port = 0;                  ///< 0: a free one
    std::filesystem::path unix_socket = {};  ///< empty: by TCP
};

/// A request as it is recorded and passed to the fault function.
struct FleetRequest {
    std::string method;
    std::string unit;  ///< unit of the request; empty for listings
    /// "PUT foo.service", "GET foo.service", "GET /units", "GET /units page 2", "GET /state foo.service"
    std::string line;
    std::size_t nth;  ///< number among the requests with this line, from 1
};

/// The process of a unit.
struct FleetProcess {
    std::string content;  ///< unit_file_hash() of the options at its start
    std::string machine;
    std::size_t invocation;  ///< another one after each start
    std::chrono::milliseconds since;

    bool operator==(const FleetProcess&) const = default;
};

/// A fleet cluster in this process: its API over HTTP, its agents, and the systemd of each machine. They take the time
/// and have the effects of real ones (see fleet/agent.hpp, fleet/systemd.hpp). Any number of clusters may exist at a
/// time. Any thread may call any function.
///     FleetDouble fleet;
///     const auto target = load_target("target-fleet", "endpoint: " + fleet.endpoint());
///     target->apply(unit, call);
///     fleet.advance(10s);
///     CHECK(fleet.runs("foo.service"));
class FleetDouble {
public:
    using Time = std::chrono::milliseconds;
    using Fault = std::function<std::optional<FleetFault>(const FleetRequest&)>;

    /// The outcome of launching a unit. By default the unit runs; with Type=oneshot, it ends successfully.
    enum class Behaviour {
        run,
        fail,           ///< failed (failed)
        restart,        ///< activating (auto-restart), for ever
        hang,           ///< activating (start), for ever
        masked,         ///< no machine's systemd can load the unit
        unschedulable,  ///< no machine is fit for the unit
    };

    explicit FleetDouble(FleetOptions options = {});

    /// The value for target-fleet's setting `endpoint`.
    [[nodiscard]] std::string endpoint() const;
    [[nodiscard]] HttpServer& server() noexcept { return server_; }

    void advance(Time time);
    /// Moves the clock until no event is pending.
    void settle();
    [[nodiscard]] Time now() const;

    /// Adds the unit as if it had been in its desired state for long.
    void add(const Unit& unit);
    /// Removes the unit as if another client destroyed it.
    void remove(std::string_view unit);
    /// Damages fleet's record of the unit: listings lack the unit, and other requests for it are answered with 500. Its
    /// machine goes on unchanged.
    void spoil(std::string_view unit);
    /// Sets the behaviour of units that match `glob` (fnmatch(3)), from their next change on; with `version`, only if
    /// an option's value contains that text. Later calls take precedence.
    void behave(std::string glob, Behaviour behaviour, std::string version = {});
    /// Fixes the machines' reports and the current state that fleet shows for the unit, whatever its agents do.
    void show(std::string_view unit, std::vector<FleetState> states, std::string current_state = "launched");

    /// All units as the API shows them, by name.
    [[nodiscard]] std::vector<Unit> units() const;
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] std::optional<Unit> find(std::string_view unit) const;
    [[nodiscard]] std::string current_state(std::string_view unit) const;

    /// Whether the unit is up and its machine reports it.
    [[nodiscard]] bool runs(std::string_view unit) const;
    [[nodiscard]] bool ran_at(std::string_view unit, Time time) const;
    /// The hash of the unit file that the unit's machine reports; empty when no machine does.
    [[nodiscard]] std::string version_of(std::string_view unit) const;
    /// The largest number of these units that were down at once, from `since` until now.
    [[nodiscard]] std::size_t most_down(const std::vector<std::string>& units, Time since) const;

    /// The unit's actual process, whatever fleet reports; nullopt when there is none.
    [[nodiscard]] std::optional<FleetProcess> process(std::string_view unit) const;
    /// The state on the unit's machine: "active (running)", "deactivating (stop)", …; empty when it is on no machine.
    [[nodiscard]] std::string truth(std::string_view unit) const;
    /// The differences between the machines and the registry's orders, for people: units to be launched that do not run
    /// or run another content, and other units that run. Empty when there is none.
    [[nodiscard]] std::vector<std::string> lies() const;
    /// Ends the unit's process as a crash does.
    void crash(std::string_view unit);

    /// Sets the function that is called before each request is carried out, one request at a time. The function must
    /// not call this object.
    void set_fault(Fault fault);

    /// All requests so far, as lines.
    [[nodiscard]] std::vector<std::string> requests() const;
    /// The requests that change the cluster: PUT and DELETE.
    [[nodiscard]] std::vector<std::string> writes() const;
    /// The number of requests whose line begins with `line`.
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
    /// The cluster, advanced to the present time.
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
    HttpServer server_;  ///< last member: its threads use all others
};

}  // namespace deployer
