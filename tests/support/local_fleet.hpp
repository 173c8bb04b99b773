#pragma once

#include "support/fleet_double.hpp"
#include "support/local_cluster.hpp"

#include <deployer/unit_file.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// Units by name, each as "VERSION running" or "VERSION down". The version is the command of LocalCluster::put_unit().
using Versions = std::map<std::string, std::string>;

inline std::string version_in(std::string_view command) {
    const auto begin = command.find('\'') + 1;
    return std::string(command.substr(begin, command.rfind('\'') - begin));
}

/// The files of a user of the local plugins, but with fleet as the target. By default fleet's clock runs a thousand
/// times as fast as real time.
class LocalFleet {
public:
    /// `reconcile` has the form of LocalCluster's.
    explicit LocalFleet(const std::string& reconcile, FleetOptions options = {.speed = 1000})
        : fleet(std::move(options)), local("", reconcile) {
        local.use_target("  plugin: target-fleet\n  endpoint: " + fleet.endpoint() + "\n");
    }

    [[nodiscard]] Versions versions() const {
        Versions versions;
        for (const auto& unit : fleet.units()) {
            const bool is_it = fleet.version_of(unit.name) == unit_file_hash(unit.options);
            const bool runs = is_it && fleet.runs(unit.name);
            versions[unit.name] = version_in(unit.options.back().value) + (runs ? " running" : " down");
        }
        return versions;
    }

    FleetDouble fleet;
    LocalCluster local;
};

/// The versions of the units in the simulated cluster.
inline Versions versions_of(const LocalCluster& cluster) {
    Versions versions;
    if (!std::filesystem::exists(cluster.state_file())) return versions;
    const auto text = cluster.dir().read("cluster.json");
    const auto units = Poco::JSON::Parser().parse(text).extract<Poco::JSON::Object::Ptr>()->getArray("units");
    for (unsigned i = 0; i < units->size(); ++i) {
        const auto unit = units->getObject(i);
        const auto options = unit->getArray("options");
        const auto command =
            options->getObject(static_cast<unsigned>(options->size() - 1))->getValue<std::string>("value");
        const bool runs = unit->getValue<std::string>("currentState") == "launched";
        versions[unit->getValue<std::string>("name")] = version_in(command) + (runs ? " running" : " down");
    }
    return versions;
}

}  // namespace deployer
