#pragma once

#include "tree/tree.hpp"
#include "tree_listing.hpp"

#include <deployer/call.hpp>
#include <deployer/revision.hpp>

#include <optional>

namespace deployer {

/// Reads all listed entries into memory. Nullopt when any entry has changed since the listing. A file without read
/// permission or larger than 16 MiB becomes unreadable. More than 64 MiB in all throws Error `unavailable` before any
/// file is read.
std::optional<Tree> read_snapshot(int root, const TreeListing& listing, const Call& call);

/// SHA-256 over names and contents: two revisions are equal exactly when every read() gives the same. The root's path
/// and time stamps do not count.
Revision revision_of(const Tree& snapshot);

}  // namespace deployer
