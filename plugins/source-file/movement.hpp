#pragma once

#include "tree_listing.hpp"
#include "tree_watch.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace deployer {

/// Tracks which entries change from one look at a tree to the next. An entry that changes ten times without a pause of
/// `rest`, such as a log file that is being written, is restless. Reading the tree does not wait for a restless entry;
/// the entry is unreadable until it rests.
class Movement {
public:
    using Clock = std::chrono::steady_clock;

    /// Takes the next look, made at `now`. Restless entries become unreadable in the listing; an absent one is added.
    /// True when any other entry has changed since the look before.
    bool follow(TreeListing& listing, Clock::time_point now, std::chrono::milliseconds rest);

    /// Whether the reports concern anything other than restless entries.
    [[nodiscard]] bool is_news(const TreeReports& reports) const;

    /// The paths of the restless entries.
    [[nodiscard]] const std::set<std::string>& restless() const noexcept { return restless_; }

private:
    struct Changes {
        int count = 0;
        Clock::time_point last;
    };

    void mark_restless(TreeListing& listing) const;

    bool begun_ = false;
    std::vector<TreeEntry> former_;
    std::map<std::string, Changes> changes_;  ///< changes of entries that do not rest yet
    std::set<std::string> restless_;
};

}  // namespace deployer
