#pragma once

#include <deployer/source.hpp>

#include <map>
#include <string>
#include <string_view>

namespace deployer::github {

/// One name of a tree.
struct TreeNode {
    enum class Kind {
        directory,
        file,
        link,
        special,     ///< none of these
        unreadable,  ///< a file that is too large
    };
    Kind kind = Kind::file;
    std::string text;  ///< a file's content, a link's target, or what is wrong with something unreadable
};

/// What a commit holds below some folder of it, by path below that folder.
using Tree = std::map<std::string, TreeNode, std::less<>>;

/// Leaves out what is hidden and not led to by any symbolic link.
void drop_hidden(Tree& tree);

/// What stands at a location, following symbolic links as far as they stay below the root. Messages put `root`, the
/// root's own path in its repository, before paths.
File find_file(const Tree& tree, std::string_view root, std::string_view location);

/// The real path of a folder, in a tree of a whole repository. A path that leads out, or to no folder, stays as it is.
std::string resolve_folder(const Tree& tree, std::string_view folder);

}  // namespace deployer::github
