#pragma once

#include "config/config.hpp"

namespace deployer {

// A file that the deployer writes below a directory that the source reads would be a change of the wanted state, and
// each cycle would start the next one. Both throw Error `misconfigured`, with both paths; names that begin with a dot
// do not count, for sources pass over them. Symbolic links are followed as they are now, and nothing has to be there
// yet.

/// Checks the paths that plugins said they write (Settings::written_path). To be called once all plugins are created.
void check_written_paths(const Config& config);

/// Standard error, where the log goes, if it is a file.
void check_log_file(const Config& config);

}  // namespace deployer
