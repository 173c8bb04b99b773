#pragma once

#include <deployer/error.hpp>

#include <string>
#include <string_view>

namespace deployer {

/// Throws Error `misconfigured`: the reason why a file cannot be used as a plugin (R2). The message does not name the
/// file; the caller does.
[[noreturn]] inline void refuse(const std::string& reason) {
    throw Error(ErrorKind::misconfigured, reason);
}

/// The advice for a plugin that was built with another SDK than this program's.
constexpr std::string_view rebuild_advice = "rebuild it with the SDK of this program";

}  // namespace deployer
