#pragma once

#include <chrono>
#include <cstddef>

namespace deployer {

/// Notices a source that changes whenever it was read, for instance because each cycle causes a file in it to be
/// written. Such a source shows `longest` changes in a row, each right after a cycle, and none of them asks for a
/// change of the cluster. A source that people work on does not.
class ChangeStreak {
public:
    static constexpr std::size_t longest = 10;

    /// To be called after each wait for a change. `idle`: the cycle before had nothing to do; `changed`: the wait ended
    /// with a change; `waited`: how long the wait took. True when the source should not be asked for a while.
    bool follow(bool idle, bool changed, std::chrono::milliseconds waited) noexcept {
        constexpr std::chrono::seconds at_once{1};
        count_ = idle && changed && waited < at_once ? count_ + 1 : 0;
        return count_ >= longest;
    }

    /// Whether this is the first rest of the streak. Only that one is worth a line in the log.
    [[nodiscard]] bool is_news() const noexcept { return count_ == longest; }

private:
    std::size_t count_ = 0;
};

}  // namespace deployer
