#pragma once

#include "tree/tree.hpp"

#include <deployer/call.hpp>

#include <string>
#include <string_view>

namespace deployer::github {

/// The tree below `folder` in an archive from `git archive` (gzip, tar, a single top folder), without hidden names;
/// empty when there is no such folder. Symbolic links on the way to the folder are followed. A file above 16 MiB
/// becomes unreadable.
///
/// Throws Error `unavailable` for an archive that is cut or damaged (checksum and end mark are checked), or that names
/// another commit; `rejected` for an archive that holds too much: more than 64 MiB or 100,000 names below the folder,
/// or more than 512 MiB in all.
Tree read_archive(std::string_view archive, std::string_view commit, std::string_view folder, const Call& call);

/// The end of an error message about an archive that is too large as a whole.
inline constexpr const char* how_to_shrink =
    ": it holds the whole repository, so move large files to another repository, or leave them out of archives "
    "(export-ignore in .gitattributes)";

}  // namespace deployer::github
