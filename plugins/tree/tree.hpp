#pragma once

#include <deployer/source.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// One name of a tree.
struct TreeNode {
    enum class Kind {
        directory,
        file,
        link,
        special,     ///< none of these
        unreadable,  ///< a file or directory that cannot be read
    };
    Kind kind = Kind::file;
    /// A file's content, or a link's target, or the reason why an entry is unreadable. A target that begins with a
    /// slash starts at the root; a target above the root leads out of the tree.
    std::string text;

    bool operator==(const TreeNode&) const = default;
};

/// All entries of a source at one moment, by path below its root.
using Tree = std::map<std::string, TreeNode, std::less<>>;

/// The names in the path of a location below the root. Throws Error `rejected` for a location that leaves the root or
/// names no file.
std::vector<std::string> names_below_root(std::string_view location);

/// Removes hidden entries, except those that a symbolic link leads to.
void drop_hidden(Tree& tree);

/// The file at a location. Symbolic links are followed as long as they stay below the root. Messages begin paths with
/// `root`, a name for the tree's place. Pure: the result depends on the tree alone.
File find_file(const Tree& tree, std::string_view root, std::string_view location);

/// The real path of a folder. A path that leads out of the tree, or to no folder, is returned unchanged.
std::string resolve_folder(const Tree& tree, std::string_view folder);

}  // namespace deployer
