#pragma once

#include <deployer/settings.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace deployer::conformance {

/// The file that says what the suite makes a plugin with. Blocks are as in a configuration, without the key `plugin`;
/// in their texts `{tmp}` stands for a directory of the run's own, `{port}` (of `network`) for a port of this machine.
struct SuiteSettings {
    std::shared_ptr<const SettingsDocument> document;
    SettingsNode settings;                           ///< what works
    std::optional<SettingsNode> unreachable;         ///< changes to it: the other side is out of reach
    std::optional<SettingsNode> network;             ///< changes to it: the other side is at 127.0.0.1:{port}
    std::optional<SettingsNode> other;               ///< changes to it: another cluster, of a target
    std::vector<SettingsNode> refused;               ///< changes to it that the plugin has to refuse
    std::optional<std::string> prepare;              ///< commands of a shell, run in {tmp}
    std::optional<std::string> change;               ///< changes what a source declares
    std::chrono::milliseconds timeout{60'000};       ///< until what was applied is ready
    std::chrono::milliseconds call_timeout{30'000};  ///< of calls that are not about time
    std::vector<std::string> files;                  ///< that a source has; services.yaml where none are named
    std::optional<std::string> healthy, unhealthy, unchecked;  ///< services, of a health plugin
};

/// Throws Error `misconfigured`, with file, line and key, for what is missing, wrong or not known.
SuiteSettings read_suite_settings(const std::filesystem::path& file, const std::filesystem::path& tmp);

/// `base` with the keys of `changes` in place of its own.
SettingsNode changed(SettingsNode base, const SettingsNode& changes);

/// With `value` for each `token` within texts.
SettingsNode replaced(SettingsNode node, const std::string& token, const std::string& value);

/// A view of a block as a plugin gets it.
Settings settings_of(const SuiteSettings& suite, SettingsNode block);

}  // namespace deployer::conformance
