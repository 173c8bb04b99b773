#pragma once

#include "cli/command_line.hpp"

namespace deployer {

/// Carries out a command: results on standard output, log and progress on standard error. Returns the exit status: 0
/// done, 1 failed, 2 when `plan --detailed-exitcode` found changes. Throws Error for a configuration that is not
/// usable; with `--output json` a report of it is printed before. Handles signals (signals.hpp), so it is called once,
/// before there are other threads.
int carry_out(const Invocation& invocation);

}  // namespace deployer
