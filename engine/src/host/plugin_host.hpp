#pragma once

#include "host/plugin_search.hpp"

#include <deployer/plugin.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

std::string_view to_string(PluginKind kind) noexcept;

/// A plugin file that passed every check (R2), or the reason why it did not.
struct FoundPlugin {
    std::string name;  ///< by its file name
    std::filesystem::path file;
    std::optional<PluginKind> kind;  ///< absent when refused before it could be known
    std::string version;
    std::string built_with;
    std::string refusal;  ///< empty when the plugin can be used; does not name the file
};

/// Finds, judges and loads plugins (R1–R3). Once loaded, a library stays for the life of the process: its code may be
/// under any stack, so nothing is ever unloaded. A program keeps one host across all its configurations, for only the
/// host that loaded a file knows that the file has changed since. Used by one thread at a time; instances do not need
/// the host.
class PluginHost {
public:
    /// Directories are searched in order; those that do not exist are passed over.
    explicit PluginHost(std::vector<std::filesystem::path> directories);
    ~PluginHost();
    PluginHost(const PluginHost&) = delete;
    PluginHost& operator=(const PluginHost&) = delete;
    PluginHost(PluginHost&&) noexcept;
    PluginHost& operator=(PluginHost&&) noexcept;

    /// Searches these directories from now on, as a new configuration names them. A loaded library stays loaded.
    void search(std::vector<std::filesystem::path> directories);

    /// Instances of a plugin, made from their block of settings. `plugin` is a name ("target-mock") or an absolute path
    /// of a file. Loads the library unless it is loaded. Throws Error `misconfigured`, one distinct message for each
    /// check of R2, at the key `plugin` of the settings; for settings the plugin refuses, and for keys that it does not
    /// know; `internal` for a create that throws anything else or gives null.
    std::shared_ptr<Source> create_source(std::string_view plugin, const Settings& settings);
    std::shared_ptr<Target> create_target(std::string_view plugin, const Settings& settings);
    std::shared_ptr<Cache> create_cache(std::string_view plugin, const Settings& settings);
    std::shared_ptr<Health> create_health(std::string_view plugin, const Settings& settings);

    /// A file, judged as if it were to be loaded for its own kind. Loads it.
    FoundPlugin judge(const std::filesystem::path& file);

    /// Every `*.so` of the directories, by name, judged as if it were to be loaded for its own kind. Loads them. A
    /// directory that cannot be read is listed as refused, without a name.
    std::vector<FoundPlugin> survey();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace deployer
