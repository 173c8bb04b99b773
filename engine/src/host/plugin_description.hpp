#pragma once

#include <deployer/plugin.hpp>

#include <filesystem>
#include <string>

namespace deployer {

/// Judges the description that a plugin exports, before any code of the plugin is called (R1, R2). `found` is the file
/// under the path by which it was found; its name has to be the plugin's. Throws Error `misconfigured`, as refuse()
/// does.
void check_description(const PluginDescriptor& plugin, const std::filesystem::path& found);

/// The last part of check_description(), for a library that is loaded already and was found under another name.
void check_name(const PluginDescriptor& plugin, const std::filesystem::path& found);

/// A version of the plugin ABI, "1.0".
std::string abi_text(unsigned major, unsigned minor);

}  // namespace deployer
