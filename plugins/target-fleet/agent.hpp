#pragma once

#include <deployer/error.hpp>

#include <chrono>

namespace deployer::fleet {

// How fleet's agents, of which each machine has one, act on what they are told.

/// An agent looks at what it is to do at least so often, and tells fleet of it within a second.
inline constexpr std::chrono::milliseconds agent_round{6'000};

/// In this time an agent that was told of a change has looked.
inline constexpr std::chrono::milliseconds between_looks{1'200};

/// For what is to be done after a stop, which leaves a call 1.5 s, or after the deadline.
inline constexpr std::chrono::milliseconds last_moment{600};

/// The end of a change of a unit that fleet does not know any more.
inline Error gone() {
    return {ErrorKind::rejected, "it was there and is gone: something else destroys it"};
}

}  // namespace deployer::fleet
