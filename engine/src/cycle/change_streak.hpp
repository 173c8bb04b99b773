#pragma once

#include <chrono>
#include <cstddef>

namespace deployer {

/// Tells a source that changes whenever it was read, as when something is written into it in each cycle, from one that
/// is worked on: so many changes in a row come right after a cycle, and none of them asks for anything.
class ChangeStreak {
public:
    static constexpr std::size_t longest = 10;

    /// After a wait for a change that took `waited` and followed a cycle; `idle`: that cycle had nothing to do,
    /// `changed`: the wait ended with a change. True when the source is to rest.
    bool follow(bool idle, bool changed, std::chrono::milliseconds waited) noexcept {
        constexpr std::chrono::seconds at_once{1};
        count_ = idle && changed && waited < at_once ? count_ + 1 : 0;
        return count_ >= longest;
    }

    /// Whether this is the first rest of the streak, which is worth a line in the log.
    [[nodiscard]] bool is_news() const noexcept { return count_ == longest; }

private:
    std::size_t count_ = 0;
};

}  // namespace deployer
