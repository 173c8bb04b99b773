#pragma once

#include <deployer/settings.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::mock {

/// How the simulated cluster behaves, or misbehaves. With the defaults, the cluster carries out every order at once.
struct Behaviour {
    std::chrono::milliseconds delay{0};    ///< until a changed unit is in its desired state
    std::vector<std::string> fail;         ///< globs of units that fail when launched
    std::vector<std::string> never_ready;  ///< globs of units that never become launched
    std::vector<std::string> refuse;       ///< globs of units that cannot be applied
    std::chrono::milliseconds latency{0};  ///< delay of every call
    long long unavailable_every = 0;       ///< every nth call fails as unavailable; 0: none
    long long incomplete_list_every = 0;   ///< every nth listing leaves units out; 0: none
};

/// Reads the settings for all of these fields. Throws Error `misconfigured`.
Behaviour read_behaviour(const Settings& settings);

/// Whether one of the globs (fnmatch(3), without flags) matches the whole unit name.
bool matches_any(const std::vector<std::string>& globs, const std::string& unit_name);

}  // namespace deployer::mock
