#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace deployer::mock {

/// Wall-clock time: it is written into the state file, which outlives the process.
using Moment = std::chrono::sys_time<std::chrono::milliseconds>;

/// As `2026-01-31T12:00:00.500Z`.
std::string to_text(Moment moment);

/// Exactly what to_text() writes, with or without milliseconds; anything else is nullopt.
std::optional<Moment> moment_from(std::string_view text);

}  // namespace deployer::mock
