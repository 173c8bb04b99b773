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

/// One name below the root. A symbolic link is an entry itself and is not followed.
struct TreeEntry {
    std::string path;  ///< relative to the root
    TreeNode node;     ///< without the content of a file
    FileStamp stamp;   ///< empty for a directory, whose contents are entries of their own

    bool operator==(const TreeEntry&) const = default;
};

/// Names and stamps of a tree, without its hidden files unless a symbolic link leads to them. Two equal listings mean
/// equal contents, if the earlier was settled.
struct TreeListing {
    std::vector<TreeEntry> entries;  ///< ordered by path
    std::int64_t taken = 0;          ///< wall-clock time in nanoseconds when the listing began
    std::int64_t newest = 0;         ///< the latest change of any entry, in nanoseconds
    std::string newest_path;         ///< path of the entry with that change; "" is the root

    /// How long the tree must stay unchanged so that any later change shows in a stamp, at least `settle`. Some file
    /// systems keep times in steps of two seconds.
    [[nodiscard]] std::chrono::milliseconds quiet_time(std::chrono::milliseconds settle) const noexcept {
        constexpr std::int64_t second = 1'000'000'000;
        constexpr std::chrono::milliseconds coarsest = std::chrono::seconds(2);
        return newest % second == 0 ? std::max(settle, coarsest) : settle;
    }

    /// Whether the tree had been unchanged for the quiet time when this listing began. Holds only when the files' times
    /// come from this machine's clock.
    [[nodiscard]] bool settled(std::chrono::milliseconds settle) const noexcept {
        return newest + std::chrono::nanoseconds(quiet_time(settle)).count() <= taken;
    }
};

/// Lists the entries below the opened root. Every directory is watched before it is listed, so no change is missed.
/// `path` is the root's path, for absolute links. Throws Error `unavailable` for more than 100,000 names, Error as
/// Call::check(), and std::system_error.
TreeListing list_tree(int root, const std::filesystem::path& path, TreeWatch& watch, const Call& call);

}  // namespace deployer
