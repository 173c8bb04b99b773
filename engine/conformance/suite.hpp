#pragma once

#include "conformance/checks.hpp"
#include "conformance/workplace.hpp"

#include <deployer/conformance.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace deployer::conformance {

/// The checks of one plugin, in a prepared workplace.
class Suite {
public:
    /// Loads the plugin. Throws as read_suite_settings(). `workplace` outlives the suite.
    Suite(const std::filesystem::path& plugin, const std::filesystem::path& settings_file, const Workplace& workplace);

    [[nodiscard]] const std::vector<Check>& checks() const noexcept { return checks_; }
    [[nodiscard]] CheckResult run(std::size_t index);

private:
    /// Whether instances can be created. Otherwise most checks would fail with the same error, so they are left out.
    [[nodiscard]] bool makes_instances();

    Subject subject_;
    std::vector<Check> checks_;
    PluginKind kind_{};
    std::optional<bool> makes_instances_;
};

/// Runs `prepare` of the settings, once for all suites of a workplace.
void prepare(const std::filesystem::path& settings_file, const Workplace& workplace,
             const std::function<bool()>& is_stopped);

/// The longest time that a check can take. Some checks wait several times for applied units; some make many calls.
std::chrono::milliseconds longest_check(const SuiteSettings& settings);

}  // namespace deployer::conformance
