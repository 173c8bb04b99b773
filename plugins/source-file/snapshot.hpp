#pragma once

#include "tree/tree.hpp"
#include "tree_listing.hpp"

#include <deployer/call.hpp>
#include <deployer/revision.hpp>

#include <optional>

namespace deployer {

/// Reads everything that is listed into memory. Nullopt when anything is no longer as listed. A file that may not be
/// read or is larger than 16 MiB becomes unreadable; more than 64 MiB in all throws Error `unavailable`, before
/// reading.
std::optional<Tree> read_snapshot(int root, const TreeListing& listing, const Call& call);

/// SHA-256 over names and contents: equal exactly when every read() gives the same. Where the tree lies, and its times,
/// do not matter.
Revision revision_of(const Tree& snapshot);

}  // namespace deployer
