#pragma once

#include "conformance/subject.hpp"

#include <deployer/plugin.hpp>

#include <functional>
#include <string>
#include <vector>

namespace deployer::conformance {

/// One thing that a plugin has to do. `run` throws CheckFailed or CheckSkipped; it leaves nothing behind that another
/// check could stumble over.
struct Check {
    std::string name;  ///< the promise that holds where the check passes
    std::function<void(Subject&)> run;
    bool needs_instance = true;
};

/// The demands of the host on a file before it calls anything (R1, R2). If these fail, no other check is made.
Check check_of_loading();

/// Demands on every plugin, whatever its kind: its symbols, its settings, its life.
std::vector<Check> checks_of_plugins(PluginKind kind);

std::vector<Check> checks_of_sources();
std::vector<Check> checks_of_targets();
std::vector<Check> checks_of_caches();
std::vector<Check> checks_of_health();

}  // namespace deployer::conformance
