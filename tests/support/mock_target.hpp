#pragma once

#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/local_cluster.hpp"
#include "support/mock_cluster.hpp"
#include "support/thrown_error.hpp"

#include <deployer/error.hpp>
#include <deployer/unit_file.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace deployer::mock_target {

using namespace std::chrono_literals;

inline UnitStatus wait_until_settled(Target& target, const Unit& unit) {
    const TestCall call;
    for (;;) {
        auto status = target.status(unit, call);
        if (status.readiness != Readiness::waiting) return status;
        static_cast<const Call&>(call).check("waiting for " + unit.name);
        std::this_thread::sleep_for(1ms);
    }
}

/// Moves the moment at which the pending unit becomes ready far into the past.
inline void let_the_delay_pass(const MockCluster& cluster) {
    auto text = cluster.text();
    REQUIRE(holds(text, R"("at": ")"));
    const auto at = text.find(R"("at": ")") + 7;
    cluster.write(text.replace(at, 4, "2001"));
}

inline void check_refused(std::string_view yaml, std::string_view fragment) {
    const auto problem = thrown_by([&] { load_target("target-mock", yaml); });
    CHECK(problem.kind() == ErrorKind::misconfigured);
    CHECK(says(problem, fragment));
}

/// The settings of each row of the README's last table, as lines of a block.
inline std::vector<std::string> settings_to_try() {
    std::vector<std::string> all;
    std::ifstream in(std::filesystem::path(DEPLOYER_SOURCE_DIR) / "plugins/target-mock/README.md");
    bool begun = false;
    for (std::string line; std::getline(in, line);) {
        begun = begun || line == "## To try";
        if (!begun || !line.starts_with("| `")) continue;
        std::string settings;
        for (std::size_t at = line.find('`'); at < line.find(" | ");) {
            const auto end = line.find('`', at + 1);
            settings += "  " + line.substr(at + 1, end - at - 1) + "\n";
            at = line.find('`', end + 1);
        }
        all.push_back(settings);
    }
    return all;
}

/// The demo of etc/, deployed to a target-mock with these settings.
class Demo {
public:
    explicit Demo(const std::string& settings)
        : cluster_(settings, "  rollout: {timeout: 500ms, poll: 10ms}\n"), first_(deploy()) {}

    [[nodiscard]] const LocalCluster::Ended& first() const { return first_; }
    [[nodiscard]] LocalCluster::Ended once() const { return cluster_.once(); }
    [[nodiscard]] std::size_t size() const { return cluster_.units().size(); }

    /// Deploys another version of the presses. Returns the changes.
    [[nodiscard]] std::vector<std::string> update() const {
        auto services = cluster_.dir().read("demo/services.yaml");
        cluster_.dir().write("demo/services.yaml", services.replace(services.find("1.10"), 4, "1.11"));
        return changes_of(cluster_.once());
    }

private:
    LocalCluster::Ended deploy() {
        std::filesystem::copy(std::filesystem::path(DEPLOYER_SOURCE_DIR) / "etc/demo", cluster_.dir().path("demo"));
        cluster_.use_source("demo");
        return cluster_.once();
    }

    LocalCluster cluster_;
    LocalCluster::Ended first_;
};

}  // namespace deployer::mock_target
