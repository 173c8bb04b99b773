#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deployer {

/// Text that git left in a file in place of the text that a person wrote.
struct GitLeftover {
    int line = 0;         ///< from 1
    std::string problem;  ///< what was found and how to mend it, for people
};

/// Finds a git-lfs pointer in place of a file, or the first conflict mark of an unfinished merge (git-merge(1), "How
/// conflicts are presented"). Nullopt when the text has neither.
std::optional<GitLeftover> find_git_leftover(std::string_view text);

}  // namespace deployer
