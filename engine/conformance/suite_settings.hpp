#pragma once

#include <deployer/settings.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace deployer::conformance {

/// The file that says how the suite creates a plugin. Blocks are as in a configuration, without the key `plugin`. In
/// texts,
/// `{tmp}` stands for the run's own directory and, in `network`, `{port}` for a port of this machine.
struct SuiteSettings {
    std::shared_ptr<const SettingsDocument> document;
    SettingsNode settings;                           ///< the working settings
    std::optional<SettingsNode> unreachable;         ///< changes to `settings`: the server is out of reach
    std::optional<SettingsNode> network;             ///< changes: the server is at 127.0.0.1:{port}
    std::optional<SettingsNode> other;               ///< changes, for a target: another cluster
    std::vector<SettingsNode> refused;               ///< changes that the plugin has to refuse
    std::optional<std::string> prepare;              ///< shell commands to run in {tmp} before the checks
    std::optional<std::string> change;               ///< shell commands that change the source's files
    std::chrono::milliseconds timeout{60'000};       ///< how long an applied unit may take to become ready
    std::chrono::milliseconds call_timeout{30'000};  ///< the time limit of calls, where a check is not about time
    std::vector<std::string> files;                  ///< files that a source has; services.yaml if absent
    std::optional<std::string> healthy, unhealthy, unchecked;  ///< services, for a health plugin
};

/// Reads the file. Throws Error `misconfigured`, with file, line and key, for missing, wrong and unknown keys.
SuiteSettings read_suite_settings(const std::filesystem::path& file, const std::filesystem::path& tmp);

/// `base`, with keys added or replaced by those of `changes`.
SettingsNode changed(SettingsNode base, const SettingsNode& changes);

/// The node with each `token` in texts replaced by `value`.
SettingsNode replaced(SettingsNode node, const std::string& token, const std::string& value);

/// The block as Settings, as a plugin gets it.
Settings settings_of(const SuiteSettings& suite, SettingsNode block);

}  // namespace deployer::conformance
