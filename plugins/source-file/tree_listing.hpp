#pragma once

#include "posix/file_stamp.hpp"
#include "tree/tree.hpp"
#include "tree_watch.hpp"

#include <deployer/call.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace deployer {

/// One name below the root. Nothing of it is known by following a symbolic link.
struct TreeEntry {
    std::string path;  ///< relative to the root
    TreeNode node;     ///< without the content of a file
    FileStamp stamp;   ///< empty for a directory: what is in it has entries of its own

    bool operator==(const TreeEntry&) const = default;
};

/// Names and stamps of a tree, without its hidden files unless a symbolic link leads to them. Two equal listings mean
/// equal contents, if the earlier was settled.
struct TreeListing {
    std::vector<TreeEntry> entries;  ///< ordered by path
    std::int64_t taken = 0;          ///< wall clock, in nanoseconds, from before the first look
    std::int64_t newest = 0;         ///< the latest change of anything listed, and of what it is; "" is the root
    std::string newest_path;

    /// How long nothing may change for a later change to show in a stamp, and no less than `settle`. There are file
    /// systems that only know every other second.
    [[nodiscard]] std::chrono::milliseconds quiet_time(std::chrono::milliseconds settle) const noexcept {
        constexpr std::int64_t second = 1'000'000'000;
        constexpr std::chrono::milliseconds coarsest = std::chrono::seconds(2);
        return newest % second == 0 ? std::max(settle, coarsest) : settle;
    }

    /// Whether nothing had changed for that long when it was taken, if the clock of the files is this machine's.
    [[nodiscard]] bool settled(std::chrono::milliseconds settle) const noexcept {
        return newest + std::chrono::nanoseconds(quiet_time(settle)).count() <= taken;
    }
};

/// Lists what is below the opened root; every directory is put under the watch before it is listed. `path` is the
/// root's, for absolute links. Throws Error `unavailable` for more than 100,000 names, and as Call::check();
/// std::system_error.
TreeListing list_tree(int root, const std::filesystem::path& path, TreeWatch& watch, const Call& call);

}  // namespace deployer
