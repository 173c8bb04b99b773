#pragma once

#include "config/config.hpp"

namespace deployer {

// What the deployer writes below a directory that the source reads is a change of the wanted state, so each cycle would
// start the next one. Both throw Error `misconfigured`, with both paths; names that begin with a dot do not count, for
// sources pass over them. Symbolic links are followed as they are now, and nothing has to be there yet.

/// What plugins have said that they write (Settings::written_path). After they were created.
void check_written_paths(const Config& config);

/// Standard error, where the log goes, if it is a file.
void check_log_file(const Config& config);

}  // namespace deployer
