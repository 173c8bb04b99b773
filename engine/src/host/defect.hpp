#pragma once

#include <string>

namespace deployer {

/// To be called in a handler of a plugin's exception. Throws an Error on as it is, and any other exception as Error
/// `internal`, "a defect of target-mock, it threw unexpectedly: …" (R5).
[[noreturn]] void rethrow_as_error(const std::string& plugin);

}  // namespace deployer
