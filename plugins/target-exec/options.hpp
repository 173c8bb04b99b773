#pragma once

#include "child_process.hpp"

#include <deployer/settings.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace deployer::exec {

struct Options {
    Launch launch;
    std::string hello;                    ///< the first line to the program, with its settings
    std::string identity;                 ///< of the target
    std::optional<std::string> expected;  ///< what the program may call its cluster, where the configuration says so
    std::chrono::milliseconds start_timeout;
    std::chrono::milliseconds restart_pause;
};

/// Throws Error `misconfigured`.
Options read_options(const Settings& settings);

}  // namespace deployer::exec
