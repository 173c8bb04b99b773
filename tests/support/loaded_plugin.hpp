#pragma once

#include "host/plugin_host.hpp"
#include "support/test_call.hpp"
#include "yaml/yaml_document.hpp"

#include <deployer/settings.hpp>

#include <filesystem>
#include <memory>
#include <string_view>

namespace deployer {

/// Settings of a plugin from the YAML text of its block: the root holds the plugin's keys. In messages the file is
/// "test.yaml"; relative paths are relative to `directory`.
inline Settings settings_from(std::string_view yaml, const std::filesystem::path& directory = {}) {
    return Settings(read_yaml(yaml, "test.yaml", directory));
}

/// Settings without any key, which cannot be written as YAML text.
inline Settings no_settings() {
    auto document = std::make_shared<SettingsDocument>();
    document->file = "test.yaml";
    document->root.kind = SettingsNode::Kind::block;
    document->root.line = 1;
    return Settings(document);
}

/// A shipped plugin, loaded from the build tree through the real host as the program does. Throws as the host does.
///     auto target = load_target("target-mock", "state_file: /tmp/state.json\ndelay: 2s\n");
inline std::shared_ptr<Target> load_target(std::string_view plugin, const Settings& settings) {
    return PluginHost({DEPLOYER_TEST_PLUGINS}).create_target(plugin, settings);
}

inline std::shared_ptr<Source> load_source(std::string_view plugin, const Settings& settings) {
    return PluginHost({DEPLOYER_TEST_PLUGINS}).create_source(plugin, settings);
}

inline std::shared_ptr<Cache> load_cache(std::string_view plugin, const Settings& settings) {
    return PluginHost({DEPLOYER_TEST_PLUGINS}).create_cache(plugin, settings);
}

inline std::shared_ptr<Health> load_health(std::string_view plugin, const Settings& settings) {
    return PluginHost({DEPLOYER_TEST_PLUGINS}).create_health(plugin, settings);
}

inline std::shared_ptr<Target> load_target(std::string_view plugin, std::string_view yaml) {
    return load_target(plugin, settings_from(yaml));
}

inline std::shared_ptr<Source> load_source(std::string_view plugin, std::string_view yaml) {
    return load_source(plugin, settings_from(yaml));
}

inline std::shared_ptr<Cache> load_cache(std::string_view plugin, std::string_view yaml) {
    return load_cache(plugin, settings_from(yaml));
}

inline std::shared_ptr<Health> load_health(std::string_view plugin, std::string_view yaml) {
    return load_health(plugin, settings_from(yaml));
}

}  // namespace deployer
