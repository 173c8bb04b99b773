#pragma once

#include "support/loaded_plugin.hpp"
#include "support/temp_dir.hpp"
#include "support/test_call.hpp"

#include <deployer/target.hpp>
#include <deployer/unit.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// The simulated cluster of target-mock in a directory of its own, with functions that tests often need.
class MockCluster {
public:
    /// A new target on the same cluster, as of another deployer. `settings` are lines of YAML.
    [[nodiscard]] std::shared_ptr<Target> open(std::string_view settings = {}) const {
        return load_target("target-mock", "state_file: \"" + file().string() + "\"\n" + std::string(settings) + "\n");
    }

    [[nodiscard]] std::filesystem::path file() const { return directory_.path("cluster.json"); }
    [[nodiscard]] const TempDir& directory() const noexcept { return directory_; }

    /// The present text of the state file.
    [[nodiscard]] std::string text() const { return directory_.read("cluster.json"); }
    void write(std::string_view text) const { directory_.write("cluster.json", text); }

    /// The units of the cluster, as a deployer without any misbehaviour lists them.
    [[nodiscard]] std::vector<ActualUnit> units() const {
        const TestCall call;
        return open()->list(call);
    }

    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto& actual : units()) names.push_back(actual.unit.name);
        return names;
    }

private:
    TempDir directory_;
};

/// A unit that runs the command.
inline Unit unit_running(std::string name, std::string command, DesiredState state = DesiredState::launched) {
    return {std::move(name), {{"Service", "ExecStart", std::move(command)}}, state};
}

}  // namespace deployer
