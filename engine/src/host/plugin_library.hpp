#pragma once

#include <deployer/plugin.hpp>

#include <boost/dll/shared_library.hpp>

#include <filesystem>

namespace deployer {

/// Loads a shared library for good, with all its symbols resolved and none of them shared (R3). Throws Error
/// `misconfigured`, as refuse() does: with the dynamic loader's own message, or for a file that is no whole library and
/// that the loader would crash on.
boost::dll::shared_library open_library(const std::filesystem::path& file);

/// The description that a plugin exports, not yet judged. Lives as long as the library is loaded. Throws Error
/// `misconfigured`, as refuse() does, where the library has none of this program's ABI major (R1).
const PluginDescriptor& find_descriptor(const boost::dll::shared_library& library);

}  // namespace deployer
