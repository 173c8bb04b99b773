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
        unreadable,  ///< a file or directory that is not to be read
    };
    Kind kind = Kind::file;
    /// A file's content, or what is wrong with something unreadable, or a link's target: one that begins with a slash
    /// is counted from the root, and one that leads above the root leads out of the tree.
    std::string text;

    bool operator==(const TreeNode&) const = default;
};

/// All that a source held at one moment, by path below its root.
using Tree = std::map<std::string, TreeNode, std::less<>>;

/// The names on the way to a location below the root. Throws Error `rejected` for one that leaves it or names no file.
std::vector<std::string> names_below_root(std::string_view location);

/// Leaves out what is hidden and not led to by any symbolic link.
void drop_hidden(Tree& tree);

/// The file at a location. Symbolic links are followed as far as they stay below the root. Messages put `root`, a name
/// for the place of the tree, before paths. Pure: it sees the tree alone, and no change at the place where it came
/// from.
File find_file(const Tree& tree, std::string_view root, std::string_view location);

/// The real path of a folder. A path that leads out, or to no folder, stays as it is.
std::string resolve_folder(const Tree& tree, std::string_view folder);

}  // namespace deployer
