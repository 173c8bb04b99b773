#pragma once

#include "support/local_fleet.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// Settings of target-fleet for a fleet whose clock runs a hundred times as fast as real time.
inline constexpr std::string_view quick_stops = "stop_poll: 20ms";

/// A fleet whose clock runs a hundred times as fast as real time, and a deployer with accordingly shorter pauses.
class BoundFleet : public LocalFleet {
public:
    explicit BoundFleet(const std::string& reconcile = {}, FleetOptions options = {.speed = 100})
        : LocalFleet("  interval: 1h\n  rollout: {timeout: 5s, poll: 50ms, stable_samples: 2}\n" + reconcile,
                     std::move(options)) {
        local.use_target("  plugin: target-fleet\n  endpoint: " + fleet.endpoint() + "\n  " + std::string(quick_stops) +
                         "\n");
    }

    /// All deviations: units whose version is not as in `wanted`, and units that should run but do not, by the
    /// machines' own state. `wanted` has the versions of the service files.
    [[nodiscard]] std::vector<std::string> wrongs(const Versions& wanted) const {
        auto wrongs = fleet.lies();
        Versions units;
        for (const auto& unit : fleet.units()) {
            units[unit.name] = version_of(unit);
            if (unit.desired_state != DesiredState::launched) wrongs.push_back(unit.name + " is left stopped");
        }
        for (const auto& [name, version] : wanted) {
            const auto found = units.find(name);
            if (found == units.end()) wrongs.push_back(name + " is missing");
            if (found != units.end() && found->second != version) wrongs.push_back(name + " is to be " + found->second);
        }
        for (const auto& [name, version] : units) {
            if (!wanted.contains(name)) wrongs.push_back(name + " is there");
        }
        return wrongs;
    }

private:
    static std::string version_of(const Unit& unit) {
        for (const auto& option : unit.options) {
            if (option.name == "ExecStart") return version_in(option.value);
        }
        return {};
    }
};

/// A service whose nodes have sidekicks bound to them, by the conventions of docs/SERVICES.md.
struct BoundService {
    std::string exec_stop = "/bin/true";  ///< command of the sidekick
    bool is_wanted = false;               ///< the node has Wants= of its sidekick
    bool is_sequential = true;
    int count = 2;

    [[nodiscard]] std::string entries() const {
        const auto rest =
            ", count: " + std::to_string(count) + (is_sequential ? ", sequentialDeployment: true}\n" : "}\n");
        return "- {name: foo@.service" + rest + "- {name: foo-sidekick@.service" + rest;
    }
    [[nodiscard]] std::string node(const std::string& version) const {
        return std::string("[Unit]\nDescription=A node\n") + (is_wanted ? "Wants=foo-sidekick@%i.service\n" : "") +
               "[Service]\nExecStart=/bin/sh -c '" + version + "'\n";
    }
    [[nodiscard]] std::string sidekick(const std::string& version) const {
        return "[Unit]\nBindsTo=foo@%i.service\nAfter=foo@%i.service\n[Service]\nExecStop=" + exec_stop +
               "\nExecStart=/bin/sh -c '" + version + "'\n[X-Fleet]\nMachineOf=foo@%i.service\n";
    }
    [[nodiscard]] Versions wanted(const std::string& node, const std::string& sidekick) const {
        Versions versions;
        for (int number = 1; number <= count; ++number) {
            versions["foo@" + std::to_string(number) + ".service"] = node;
            versions["foo-sidekick@" + std::to_string(number) + ".service"] = sidekick;
        }
        return versions;
    }
};

inline std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text.append(text.empty() ? "" : "; ").append(line);
    return text;
}

}  // namespace deployer
