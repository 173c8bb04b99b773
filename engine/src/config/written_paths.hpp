#pragma once

#include "config/config.hpp"

namespace deployer {

// A file that the deployer writes below a directory that the source reads would count as a change of the wanted state,
// so each cycle would start the next one. Both functions throw Error `misconfigured`, with both paths. Names that begin
// with a dot do not count, since sources ignore them. Symbolic links are followed as they are now. The paths need not
// exist.

/// Checks the paths that plugins write to, as they told Settings::written_path. To be called when all plugins are
/// created.
void check_written_paths(const Config& config);

/// Checks standard error, where the log goes, if that is a file.
void check_log_file(const Config& config);

}  // namespace deployer
