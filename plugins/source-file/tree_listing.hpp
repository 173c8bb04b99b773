#pragma once

#include "tree_watch.hpp"

#include <deployer/call.hpp>

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

struct stat;

namespace deployer {

/// What changes with every change of a file, as far as asking for it without reading can tell. Times in nanoseconds.
struct FileStamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified = 0;
    std::int64_t changed = 0;

    bool operator==(const FileStamp&) const = default;
};

FileStamp stamp_of(const struct stat& status) noexcept;

/// One name below the root. Nothing of it is known by following a symbolic link.
struct TreeEntry {
    enum class Kind { directory, file, link, special, unreadable };
    std::string path;  ///< relative to the root
    Kind kind = Kind::file;
    FileStamp stamp;      ///< empty for a directory: what is in it has entries of its own
    std::string target;   ///< of a link, as written
    std::string problem;  ///< of something unreadable

    bool operator==(const TreeEntry&) const = default;
};

/// Names and stamps of a tree, without its hidden files unless a symbolic link leads to them. Two equal listings mean
/// equal contents, if the earlier was settled.
struct TreeListing {
    std::vector<TreeEntry> entries;  ///< ordered by path
    std::int64_t taken = 0;          ///< wall clock, in nanoseconds, from before the first look
    std::int64_t newest = 0;         ///< the latest change of anything listed, and of what it is
    std::string newest_path;

    /// Whether nothing changed for that long before it was taken, so that a later change shows in a stamp.
    [[nodiscard]] bool settled(std::chrono::nanoseconds quiet) const noexcept {
        return newest + quiet.count() <= taken;
    }
};

/// Lists what is below the opened root; every directory is put under the watch before it is listed. Throws Error
/// `unavailable` for more than 100,000 names, and as Call::check(); std::system_error.
TreeListing list_tree(int root, TreeWatch& watch, const Call& call);

}  // namespace deployer
