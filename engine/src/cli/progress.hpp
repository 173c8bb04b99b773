#pragma once

#include "events/events.hpp"

#include <iosfwd>

namespace deployer {

/// Shows the progress of a rollout in one line of a terminal, and erases the line when the cycle ends.
/// `terminal` must outlive the stream and be a terminal.
void show_progress(EventStream& events, std::ostream& terminal);

}  // namespace deployer
