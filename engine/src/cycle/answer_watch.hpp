#pragma once

#include <deployer/call.hpp>
#include <deployer/target.hpp>

#include <chrono>

namespace deployer {

/// Between two questions to a target that is out of reach, and at most for one.
constexpr std::chrono::milliseconds answer_pace{3'000};

/// Sleeps until the call's deadline or stop, or until a target that does not answer at first answers again: true. So a
/// long pause after a failure ends some seconds after the cause has. A target that answers at first was not the cause,
/// and is not asked any more. Asks for the status of a single unit, which no target finds hard.
bool wait_for_answer(Target& target, const Call& call, std::chrono::milliseconds pace = answer_pace);

}  // namespace deployer
