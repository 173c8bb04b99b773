#pragma once

#include "conformance/subject.hpp"

#include <deployer/plugin.hpp>

#include <functional>
#include <string>
#include <vector>

namespace deployer::conformance {

/// A check of one thing that a plugin has to do. `run` throws CheckFailed or CheckSkipped. It has to clean up, so that
/// other checks are not disturbed.
struct Check {
    std::string name;  ///< the promise that holds where the check passes
    std::function<void(Subject&)> run;
    bool needs_instance = true;
};

/// Checks what the host demands of a file before it calls the plugin (R1, R2). If this check fails, no other one is
/// run.
Check check_of_loading();

/// Checks of every kind of plugin: symbols, settings, creation and destruction.
std::vector<Check> checks_of_plugins(PluginKind kind);

std::vector<Check> checks_of_sources();
std::vector<Check> checks_of_targets();
std::vector<Check> checks_of_caches();
std::vector<Check> checks_of_health();

}  // namespace deployer::conformance
