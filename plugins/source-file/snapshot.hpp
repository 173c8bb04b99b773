#pragma once

#include "tree_listing.hpp"

#include <deployer/call.hpp>
#include <deployer/revision.hpp>

#include <map>
#include <optional>
#include <string>

namespace deployer {

/// One name of a snapshot.
struct SnapshotNode {
    TreeEntry::Kind kind = TreeEntry::Kind::file;
    std::string text;  ///< a file's content, a link's target, or what is wrong with something unreadable
};

/// All that a tree held at one moment, by path below its root.
using Snapshot = std::map<std::string, SnapshotNode, std::less<>>;

/// Reads everything that is listed into memory. Nullopt when anything is no longer as listed. A file that may not be
/// read or is larger than 16 MiB becomes unreadable; more than 64 MiB in all throws Error `unavailable`, before
/// reading.
std::optional<Snapshot> read_snapshot(int root, const TreeListing& listing, const Call& call);

/// SHA-256 over names and contents: equal exactly when every read() gives the same. Where the tree lies, and its times,
/// do not matter.
Revision revision_of(const Snapshot& snapshot);

}  // namespace deployer
