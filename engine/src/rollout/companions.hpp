#pragma once

#include "actual/actual.hpp"
#include "events/report.hpp"
#include "rollout/restart.hpp"

#include <deployer/log.hpp>
#include <deployer/target.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace deployer {

/// The tools to look at companions and to start them. All of them must outlive the call that they are given to.
struct CompanionTools {
    /// One look at a unit. Throws as the target.
    std::function<UnitStatus(const DeployedUnit&)> look_at;
    Target& target;
    const Calls& calls;
    const std::function<void()>& before_restart;  ///< called before a unit is put to rest to be started once more
    Restart::Clock::time_point deadline;          ///< of a restart
};

/// The units of a node that did not change, such as an unchanged sidekick, while a gate waits for the node. A change of
/// one unit may stop another one: a sidekick that is bound to its node stops along with the node. So one companion that
/// is to run and does not is started once more, once in a gate. One thread at a time.
class Companions {
public:
    enum class State {
        ready,
        down,
        starting,  ///< one is being started once more
    };

    /// `node` is the node's name in messages.
    Companions(std::vector<DeployedUnit> units, std::string node);

    [[nodiscard]] bool empty() const noexcept { return units_.empty(); }

    /// Looks at the companions where they tell how the node is. A companion may come up by itself, so it is started
    /// once more only after `patience` looks in a row at which one was not ready, or when it has failed. Throws what is
    /// not about a unit.
    State look(std::size_t patience, const CompanionTools& tools);
    /// Looks at the companions of a node that is ready without them. Never `down`: a companion that stays down does not
    /// count against the node, but is left_down().
    State mend(const CompanionTools& tools);

    /// Whether a companion was told to start once more, or the target refused that.
    [[nodiscard]] bool is_restarted() const noexcept { return is_restarted_; }
    /// The companion that is being started once more; null: none is.
    [[nodiscard]] const DeployedUnit* starting() const noexcept;
    /// Goes on with that. False: it has come to its end.
    bool go_on(const CompanionTools& tools);
    /// Launches the companion now, even after a stop, because nobody will look again.
    void leave(Target& target, Log& log);

    [[nodiscard]] const std::optional<NotReady>& left_down() const noexcept { return left_down_; }

private:
    struct Down {
        const DeployedUnit* unit;
        UnitStatus status;
    };
    [[nodiscard]] std::optional<Down> find_down(const CompanionTools& tools) const;
    [[nodiscard]] bool start_once_more(const Down& down, const CompanionTools& tools);

    std::vector<DeployedUnit> units_;
    std::string node_;
    std::size_t down_looks_ = 0;  ///< in a row
    std::optional<Restart> restart_;
    bool is_restarted_ = false;
    std::optional<NotReady> left_down_;
};

}  // namespace deployer
