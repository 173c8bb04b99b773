#include "movement.hpp"

#include <algorithm>
#include <utility>

namespace deployer {

namespace {

constexpr int patience = 10;

/// Adds the paths of all entries that differ between the two listings, which are ordered by path.
void add_differences(std::set<std::string>& paths, const std::vector<TreeEntry>& before,
                     const std::vector<TreeEntry>& after) {
    auto left = before.begin();
    auto right = after.begin();
    while (left != before.end() || right != after.end()) {
        const bool only_left = right == after.end() || (left != before.end() && left->path < right->path);
        const bool only_right = left == before.end() || (right != after.end() && right->path < left->path);
        if (only_left) {
            paths.insert((left++)->path);
        } else if (only_right) {
            paths.insert((right++)->path);
        } else {
            if (*left != *right) paths.insert(left->path);
            ++left;
            ++right;
        }
    }
}

}  // namespace

bool Movement::follow(TreeListing& listing, Clock::time_point now, std::chrono::milliseconds rest) {
    std::set<std::string> moved;
    if (std::exchange(begun_, true)) add_differences(moved, former_, listing.entries);
    former_ = listing.entries;

    std::erase_if(changes_,
                  [&](const auto& known) { return !moved.contains(known.first) && now - known.second.last >= rest; });
    for (const auto& path : moved) {
        auto& changes = changes_[path];
        ++changes.count;
        changes.last = now;
    }
    restless_.clear();
    for (const auto& [path, changes] : changes_) {
        if (changes.count >= patience) restless_.insert(path);
    }
    mark_restless(listing);
    return !std::includes(restless_.begin(), restless_.end(), moved.begin(), moved.end());
}

bool Movement::is_news(const TreeReports& reports) const {
    return reports.anywhere ||
           !std::includes(restless_.begin(), restless_.end(), reports.paths.begin(), reports.paths.end());
}

void Movement::mark_restless(TreeListing& listing) const {
    if (restless_.empty()) return;
    auto& entries = listing.entries;
    std::erase_if(entries, [&](const TreeEntry& entry) { return restless_.contains(entry.path); });
    for (const auto& path : restless_) {
        entries.push_back({path, {TreeNode::Kind::unreadable, "it never stops changing"}, {}});
    }
    std::sort(entries.begin(), entries.end(),
              [](const TreeEntry& left, const TreeEntry& right) { return left.path < right.path; });
}

}  // namespace deployer
