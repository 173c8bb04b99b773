#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>

#include <chrono>
#include <stop_token>

namespace deployer {

/// The stop token, log and time limit that all plugin calls of a cycle share. make() gives the Call for one of them.
struct Calls {
    std::stop_token stop;
    Log& log;
    std::chrono::milliseconds timeout;

    [[nodiscard]] Call make() const { return make(timeout); }
    [[nodiscard]] Call make(std::chrono::milliseconds within) const {
        return {std::chrono::steady_clock::now() + within, stop, log};
    }
};

/// Whether a target's error concerns one unit only, and not the whole target.
inline bool is_about_unit(const Error& error) {
    return error.kind() == ErrorKind::rejected || error.kind() == ErrorKind::not_found;
}

}  // namespace deployer
