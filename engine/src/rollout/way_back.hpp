#pragma once

#include "rollout/judgement.hpp"
#include "rollout/node_wait.hpp"
#include "rollout/run_tools.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace deployer {

/// Puts the nodes of a group back to their former version, one after the other, and waits for each (R43). The first
/// node that cannot be put back ends the way back: this node and the remaining ones stay as they are. One thread at a
/// time.
class WayBack {
public:
    /// The last of `returns` goes first. `verdict` is the reason to go back. `health_turn` and tools must outlive the
    /// WayBack.
    WayBack(std::string service, std::vector<Return> returns, std::string verdict, std::mutex& health_turn,
            const RunTools& tools);

    /// Goes on. Returns the pause before the next call; nullopt: the way back has ended.
    std::optional<std::chrono::milliseconds> go_on();
    /// Ends the way back at the node that it has come to, which counts as not put back.
    void give_up(const std::string& why);

    /// The unit that could not be put back, and why; empty: no unit.
    [[nodiscard]] const std::string& not_restored() const noexcept { return not_restored_; }

private:
    [[nodiscard]] bool apply_former();
    void note_restored();
    void give_up(const std::string& unit, const std::string& why);

    std::string service_;
    std::vector<Return> returns_;
    std::string verdict_;
    std::mutex& health_turn_;
    const RunTools& tools_;
    std::optional<NodeWait> wait_;
    std::string not_restored_;
};

}  // namespace deployer
