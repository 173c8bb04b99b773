#pragma once

#include "tree_listing.hpp"
#include "tree_watch.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace deployer {

/// Tells which entries change from one look at a tree to the next. An entry that does so ten times without ever being
/// the same for as long as `rest`, such as a log file that somebody writes there, is restless: the others do not wait
/// for it, and until it rests it cannot be read.
class Movement {
public:
    using Clock = std::chrono::steady_clock;

    /// Takes in the next look, made at `now`. Restless entries become unreadable in the listing, whether they are there
    /// at this moment or not. True when anything else has changed since the look before.
    bool follow(TreeListing& listing, Clock::time_point now, std::chrono::milliseconds rest);

    /// Whether anything is reported but what restless entries do.
    [[nodiscard]] bool is_news(const TreeReports& reports) const;

    /// Their paths.
    [[nodiscard]] const std::set<std::string>& restless() const noexcept { return restless_; }

private:
    struct Changes {
        int count = 0;
        Clock::time_point last;
    };

    void mark_restless(TreeListing& listing) const;

    bool begun_ = false;
    std::vector<TreeEntry> former_;
    std::map<std::string, Changes> changes_;  ///< of entries that have not come to rest
    std::set<std::string> restless_;
};

}  // namespace deployer
