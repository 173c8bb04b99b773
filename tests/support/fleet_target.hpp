#pragma once

#include "support/fleet_double.hpp"
#include "support/loaded_plugin.hpp"
#include "support/mock_cluster.hpp"

#include <deployer/call.hpp>
#include <deployer/target.hpp>
#include <deployer/unit.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace deployer {

/// A new target-fleet for the fleet at `endpoint`, as of another deployer. `settings` are lines of YAML.
inline std::shared_ptr<Target> open_fleet_at(const std::string& endpoint, std::string_view settings = {}) {
    return load_target("target-fleet", "endpoint: \"" + endpoint + "\"\n" + std::string(settings) + "\n");
}

inline std::shared_ptr<Target> open_fleet(const FleetDouble& fleet, std::string_view settings = {}) {
    return open_fleet_at(fleet.endpoint(), settings);
}

/// A target that has listed its units, as in a rollout. The requests so far are not in the double's record.
inline std::shared_ptr<Target> open_listed_fleet(FleetDouble& fleet, const Call& call, std::string_view settings = {}) {
    auto target = open_fleet(fleet, settings);
    (void)target->list(call);
    fleet.forget_requests();
    return target;
}

/// A fault function that applies the fault to the requests with that line whose numbers are within a range.
inline FleetDouble::Fault fault_on(const std::string& line, const FleetFault& fault, std::size_t from = 1,
                                   std::size_t to = 1'000'000) {
    return [=](const FleetRequest& request) {
        const bool is_meant = request.line == line && request.nth >= from && request.nth <= to;
        return is_meant ? std::optional(fault) : std::nullopt;
    };
}

/// The faults while etcd has no leader: nothing can be changed or listed, but single units can be read.
inline std::optional<FleetFault> without_leader(const FleetRequest& request) {
    const bool needs_leader = request.method != "GET" || request.line.starts_with("GET /units");
    return needs_leader ? std::optional(FleetFault{.status = 500}) : std::nullopt;
}

inline std::vector<std::string> names_of(const std::vector<ActualUnit>& units) {
    std::vector<std::string> names;
    names.reserve(units.size());
    for (const auto& actual : units) names.push_back(actual.unit.name);
    return names;
}

/// Adds foo@1.service … foo@N.service, running.
inline void add_nodes(FleetDouble& fleet, int count) {
    for (int node = 1; node <= count; ++node) {
        fleet.add(unit_running("foo@" + std::to_string(node) + ".service", "/bin/foo"));
    }
}

/// "waiting: activating (start)"
inline std::string text_of(const UnitStatus& status) {
    constexpr std::array<std::string_view, 6> words{"waiting", "ready", "failed", "absent", "unplaced", "pending"};
    return std::string(words.at(static_cast<std::size_t>(status.readiness))) + ": " + status.detail;
}

/// Asks for the status until the unit is ready or failed. The fleet's clock must run by itself.
inline UnitStatus wait_until_settled(Target& target, const Unit& unit, const Call& call) {
    for (;;) {
        auto status = target.status(unit, call);
        if (status.readiness == Readiness::ready || status.readiness == Readiness::failed) return status;
        call.check("waiting for " + unit.name);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

}  // namespace deployer
