#pragma once

#include "support/rollout_scene.hpp"

#include <mutex>
#include <string>

namespace deployer {

/// A sidekick that stops along with its node. It runs again only when it is launched after it was at rest, as with a
/// target that polls the desired state.
class BoundSidekick {
public:
    explicit BoundSidekick(RolloutScene& scene) {
        scene.have(name, "s1");
        scene.want(name, "s1");
        scene.target.before = [this](const std::string& call) {
            const std::lock_guard lock(mutex_);
            if (call == "apply foo@1.service") runs_ = false;
            if (call == "set foo-sidekick@1.service launched" && was_seen_at_rest_) runs_ = !is_broken;
        };
        scene.target.judge = [this](const Unit& unit, const UnitStatus& status) { return judge(unit, status); };
    }

    [[nodiscard]] bool runs() {
        const std::lock_guard lock(mutex_);
        return runs_;
    }

    void stop() {
        const std::lock_guard lock(mutex_);
        runs_ = false;
    }

    static constexpr const char* name = "foo-sidekick@1.service";
    bool is_broken = false;  ///< the sidekick does not run however often it is launched

private:
    UnitStatus judge(const Unit& unit, const UnitStatus& status) {
        const std::lock_guard lock(mutex_);
        if (unit.name != name || status.readiness != Readiness::ready) return status;
        if (unit.desired_state == DesiredState::launched) {
            return runs_ ? status : UnitStatus{Readiness::waiting, "inactive (dead)"};
        }
        // The sidekick takes its time to stop.
        if (++looks_at_rest_ < 3) return {Readiness::waiting, "inactive, but still stopping"};
        was_seen_at_rest_ = true;
        return status;
    }

    std::mutex mutex_;
    bool runs_ = true;
    bool was_seen_at_rest_ = false;
    int looks_at_rest_ = 0;
};

}  // namespace deployer
