#include "wanted/git_leftover.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace deployer {
namespace {

/// The first line of each pointer (the specification of git-lfs, docs/spec.md there).
constexpr std::string_view pointer_start = "version https://git-lfs.github.com/spec/";

/// The line "=======" between the two sides does not count: other files use it as an underline, and a conflict always
/// has these marks as well.
bool is_merge_mark(std::string_view line) {
    constexpr auto starts = std::to_array<std::string_view>({"<<<<<<< ", "||||||| ", ">>>>>>> "});
    return std::any_of(starts.begin(), starts.end(), [line](auto start) { return line.starts_with(start); });
}

}  // namespace

std::optional<GitLeftover> find_git_leftover(std::string_view text) {
    if (text.starts_with(pointer_start)) {
        return GitLeftover{1,
                           "this is a pointer of git-lfs, not the file, which git keeps elsewhere; take the file "
                           "out of git-lfs (git lfs migrate export)"};
    }
    int number = 1;
    for (std::size_t begin = 0; begin < text.size(); ++number) {
        const auto end = std::min(text.find('\n', begin), text.size());
        auto line = text.substr(begin, end - begin);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (is_merge_mark(line)) {
            return GitLeftover{number, quote(line) + " is a mark of git's: a merge was committed with its conflict"};
        }
        begin = end + 1;
    }
    return std::nullopt;
}

}  // namespace deployer
