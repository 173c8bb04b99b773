#pragma once

#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

namespace deployer {

/// The plugin files (`*.so`) of a directory, in order of their names. After an error, the files before it.
std::vector<std::filesystem::path> plugin_files(const std::filesystem::path& directory, std::error_code& error);

/// The file of a plugin that a configuration names: an absolute path as it is, else the file of that name in the first
/// of the directories that has one. Throws Error `misconfigured`, as refuse() does, for anything else, with the name
/// that was probably meant.
std::filesystem::path find_plugin(std::string_view plugin, const std::vector<std::filesystem::path>& directories);

/// `../lib/coco-fleet-deployer/plugins` as seen from the directory of the running program: right for the build tree
/// and for an installation. The search path's last entry.
std::filesystem::path default_plugin_directory();

}  // namespace deployer
