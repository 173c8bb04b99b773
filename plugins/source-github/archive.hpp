#pragma once

#include "tree/tree.hpp"

#include <deployer/call.hpp>

#include <string>
#include <string_view>

namespace deployer::github {

/// What an archive (gzip, tar, one folder around everything, as `git archive` makes it) holds below `folder`, hidden
/// names left out; empty when there is no such folder. Symbolic links on the way to the folder are followed. A file
/// above 16 MiB becomes unreadable.
///
/// Throws Error `unavailable` for an archive that is not whole and sound down to its checksum and its end mark, that
/// says it is of another commit, or that holds too much: more than 64 MiB or 100,000 names below the folder, more than
/// 512 MiB in all.
Tree read_archive(std::string_view archive, std::string_view commit, std::string_view folder, const Call& call);

}  // namespace deployer::github
