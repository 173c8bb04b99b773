#pragma once

#include "events/events.hpp"

#include <deployer/log.hpp>

namespace deployer {

/// Tells the log what happens: what was read, each change, each wait, and how a cycle ended. An idle cycle is only
/// worth a debug line. `log` must outlive the stream.
void log_events(EventStream& events, Log& log);

}  // namespace deployer
