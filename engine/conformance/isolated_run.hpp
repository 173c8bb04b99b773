#pragma once

#include <deployer/conformance.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>

namespace deployer::conformance {

/// Runs the suite in processes of their own: a check in which the plugin crashes, ends the process or does not return
/// within `limit` fails, and the others go on in the next one. Without a limit it is longest_check(). Threads of this
/// process are not in the others, and must hold no locks. Throws as ConformanceSuite's constructor; once `is_stopped`
/// says so, it ends early, as `cancelled`.
///
/// `on_result` is told each result, in order.
struct IsolatedRun {
    std::filesystem::path plugin;
    std::filesystem::path settings_file;
    std::optional<std::chrono::milliseconds> limit;
    std::function<void(const CheckResult&)> on_result;
    std::function<bool()> is_stopped;
};
void run_isolated(const IsolatedRun& run);

}  // namespace deployer::conformance
