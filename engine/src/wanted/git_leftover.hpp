#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deployer {

/// A trace of git in a file, in place of the text that somebody wrote.
struct GitLeftover {
    int line = 0;         ///< from 1
    std::string problem;  ///< what it is and what mends it, for people
};

/// The pointer of git-lfs instead of a file, or the marks of a merge that nobody finished (git-merge(1), "How conflicts
/// are presented"); of these the first one. Nullopt: none of it.
std::optional<GitLeftover> find_git_leftover(std::string_view text);

}  // namespace deployer
