#pragma once

#include "events/events.hpp"

#include <deployer/log.hpp>

namespace deployer {

/// Writes events to the log: states that were read, each change, each wait, and how each cycle ended. An idle cycle is
/// worth a debug line only. `log` must outlive the stream.
void log_events(EventStream& events, Log& log);

}  // namespace deployer
