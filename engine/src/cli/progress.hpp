#pragma once

#include "events/events.hpp"

#include <iosfwd>

namespace deployer {

/// Keeps one line of a terminal up to date with how far a rollout is, and wipes it when the cycle ends.
/// `terminal` must outlive the stream and be a terminal.
void show_progress(EventStream& events, std::ostream& terminal);

}  // namespace deployer
