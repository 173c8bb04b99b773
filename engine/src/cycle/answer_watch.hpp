#pragma once

#include <deployer/call.hpp>
#include <deployer/target.hpp>

#include <chrono>

namespace deployer {

/// The pause between two questions to a target that is out of reach, and the time limit of each.
constexpr std::chrono::milliseconds answer_pace{3'000};

/// Sleeps until the call's deadline or stop. Ends early, with true, when a target that did not answer at first answers
/// again: a long pause after a failure then ends some seconds after the cause. A target that answers at first was not
/// the cause of the failure, so it is not asked again. Asks for the status of a single unit, which costs a target
/// little.
bool wait_for_answer(Target& target, const Call& call, std::chrono::milliseconds pace = answer_pace);

}  // namespace deployer
