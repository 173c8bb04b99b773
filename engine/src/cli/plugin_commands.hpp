#pragma once

#include "cli/command_line.hpp"
#include "host/plugin_host.hpp"

#include <filesystem>
#include <vector>

namespace deployer {

/// A host that searches these directories, and then the directory of the program's own plugins.
PluginHost make_host(std::vector<std::filesystem::path> directories);

// The commands for people who write and install plugins. Each prints its result and returns the exit status. Throws
// Error.

int list_plugins(const Invocation& invocation);
int begin_plugin(const Invocation& invocation);
int check_plugin(const Invocation& invocation);
int show_plugin(const Invocation& invocation);

}  // namespace deployer
