#pragma once

#include "child_process.hpp"

#include <deployer/settings.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace deployer::exec {

struct Options {
    Launch launch;
    std::string hello;     ///< the first line to the program, with its settings
    std::string identity;  ///< the target's identity
    std::optional<std::string>
        expected;  ///< the setting `identity`: the only name that the program may give its cluster
    std::chrono::milliseconds start_timeout;
    std::chrono::milliseconds restart_pause;
};

/// Throws Error `misconfigured`.
Options read_options(const Settings& settings);

}  // namespace deployer::exec
