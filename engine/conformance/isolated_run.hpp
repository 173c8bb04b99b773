#pragma once

#include <deployer/conformance.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>

namespace deployer::conformance {

/// Runs the suite in child processes. A check fails if the plugin crashes, ends the process or does not return within
/// `limit` (longest_check() if absent); the remaining checks then run in another child. Forks, so no other thread may
/// hold a lock that a child needs. Throws as ConformanceSuite's constructor, and Error `cancelled` when `is_stopped`
/// returns true.
///
/// `on_result` gets each result, in order.
struct IsolatedRun {
    std::filesystem::path plugin;
    std::filesystem::path settings_file;
    std::optional<std::chrono::milliseconds> limit;
    std::function<void(const CheckResult&)> on_result;
    std::function<bool()> is_stopped;
};
void run_isolated(const IsolatedRun& run);

}  // namespace deployer::conformance
