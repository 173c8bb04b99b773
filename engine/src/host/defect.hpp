#pragma once

#include <string>

namespace deployer {

/// In a handler of what a plugin threw: an Error goes on as it is, anything else as an Error `internal`, "a defect of
/// target-mock, it threw unexpectedly: …" (R5).
[[noreturn]] void rethrow_as_error(const std::string& plugin);

}  // namespace deployer
