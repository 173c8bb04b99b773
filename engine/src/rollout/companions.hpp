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

/// The tools to look at companions and to start them. The references must outlive the call that gets the tools.
struct CompanionTools {
    /// Looks at a unit once. Throws as the target does.
    std::function<UnitStatus(const DeployedUnit&)> look_at;
    Target& target;
    const Calls& calls;
    const std::function<void()>& before_restart;  ///< called before a unit is put to rest to be started once more
    Restart::Clock::time_point deadline;          ///< when the wait for a unit to come to rest ends
};

/// The companions of a node that a gate waits for: units of the node that did not change, such as an unchanged
/// sidekick. A change of a unit may stop a companion, because a sidekick that is bound to its node stops along with the
/// node. So a companion that should run and does not is started once more, at most once in a gate. One thread at a
/// time.
class Companions {
public:
    enum class State {
        ready,
        down,
        starting,  ///< a companion is being started once more
    };

    /// `node` is the node's name in messages.
    Companions(std::vector<DeployedUnit> units, std::string node);

    [[nodiscard]] bool empty() const noexcept { return units_.empty(); }

    /// Looks at the companions of a node without a health check, whose readiness they show. A companion may come up by
    /// itself, so a restart begins only when a companion has failed, or after `patience` looks in a row that found one
    /// not ready. Throws as `look_at`; a restart that the target refuses is only logged.
    State look(std::size_t patience, const CompanionTools& tools);
    /// Looks at the companions of a node that is ready without them. Never returns `down`: a companion that stays down
    /// does not count against the node, but becomes left_down().
    State mend(const CompanionTools& tools);

    /// Whether a companion was to be started once more, even if that failed.
    [[nodiscard]] bool was_tried() const noexcept { return was_tried_; }
    /// The companion that is being started once more; null: none.
    [[nodiscard]] const DeployedUnit* starting() const noexcept;
    /// Goes on with the restart of starting(). False: the restart has ended.
    bool go_on(const CompanionTools& tools);
    /// Launches the companion now, even after a stop, because nobody will look again.
    void leave(Target& target, Log& log);

    [[nodiscard]] const std::optional<NotReady>& left_down() const noexcept { return left_down_; }

private:
    struct Down {
        const DeployedUnit* unit = nullptr;
        UnitStatus status{};
    };
    [[nodiscard]] std::optional<Down> find_down(const CompanionTools& tools) const;
    [[nodiscard]] bool start_once_more(const Down& down, const CompanionTools& tools);

    std::vector<DeployedUnit> units_;
    std::string node_;
    std::size_t down_looks_ = 0;  ///< looks in a row that found a companion not ready
    std::optional<Restart> restart_;
    bool was_tried_ = false;
    bool is_restarted_ = false;  ///< no other restart follows
    std::optional<NotReady> left_down_;
};

}  // namespace deployer
