#pragma once

#include "cli/command_line.hpp"
#include "host/plugin_host.hpp"

#include <filesystem>
#include <vector>

namespace deployer {

/// Searches these directories, and then where the program's own plugins are.
PluginHost make_host(std::vector<std::filesystem::path> directories);

// The commands for those who write and install plugins. Each prints what it has to say, gives the exit status, and
// throws Error.

int list_plugins(const Invocation& invocation);
int begin_plugin(const Invocation& invocation);
int check_plugin(const Invocation& invocation);
int show_plugin(const Invocation& invocation);

}  // namespace deployer
