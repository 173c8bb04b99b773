#pragma once

#include "cli/command_line.hpp"

namespace deployer {

/// Carries out a command: results on standard output, log and progress on standard error. Returns the exit status
/// (docs/COMMANDS.md). Throws Error for an unusable configuration, after printing a report of it with `--output json`.
/// Handles signals (signals.hpp), so call it once, before any other thread is started.
int carry_out(const Invocation& invocation);

}  // namespace deployer
