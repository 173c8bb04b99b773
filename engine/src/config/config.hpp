#pragma once

#include "config/remote_settings.hpp"
#include "plan/planner.hpp"
#include "rollout/rollout.hpp"

#include <deployer/log.hpp>
#include <deployer/settings.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// A plugin and the block that configures it.
struct PluginChoice {
    std::string plugin;  ///< a name or an absolute path
    Settings settings;
};

enum class OnFailure { retry, exit };
enum class Drift { ignore, report, heal };
enum class OnStart { rebuild, reuse };

/// The configuration file, checked (docs/CONFIGURATION.md). Plugins check the contents of their own blocks.
struct Config {
    PluginChoice source;
    PluginChoice target;
    PluginChoice cache;
    std::optional<PluginChoice> health{};

    std::chrono::milliseconds interval{60'000};
    PlanPolicy plan{};
    RolloutPolicy rollout{};
    OnFailure on_failure = OnFailure::retry;
    std::chrono::milliseconds exit_pause{60'000};
    Drift drift = Drift::ignore;
    std::chrono::milliseconds resync_interval{600'000};
    std::chrono::milliseconds call_timeout{120'000};
    std::chrono::milliseconds call_grace{10'000};
    std::optional<OnStart> on_start{};  ///< absent: each command's own default (R32)

    std::vector<std::filesystem::path> plugin_path{};
    std::optional<LogLevel> log_level{};  ///< absent: each command's own default
    bool log_json = false;
    std::optional<SettingsOrigin> settings_from{};
    std::set<std::string> own_secret_paths{};  ///< dotted paths of secrets outside plugin blocks

    std::shared_ptr<const SettingsDocument> document{};  ///< the document that all of this was read from

    /// A digest of the blocks `source`, `reconcile` and `redact`. Another fingerprint means that the same revision may
    /// lead to another plan.
    std::string fingerprint{};
};

/// Reads a YAML file of settings, at most 1 MiB, without checking any setting. Throws Error `misconfigured`, with file
/// and line, when the file cannot be read. `what` is the kind of file in messages.
std::shared_ptr<const SettingsDocument> read_settings_file(const std::filesystem::path& file, const std::string& what);

/// Reads a configuration file. Throws Error `misconfigured` naming file, line and dotted path (R6), or saying why the
/// file cannot be read.
Config read_config_file(const std::filesystem::path& file);

/// Reads a configuration from text. `file` and `directory` as in SettingsDocument.
Config read_config(std::string_view text, const std::string& file, const std::filesystem::path& directory);

}  // namespace deployer
