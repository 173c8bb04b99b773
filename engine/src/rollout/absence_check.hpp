#pragma once

#include "actual/actual.hpp"
#include "rollout/run_tools.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace deployer {

/// Checks that a service which the listing of the cluster lacks is really absent. If the listing lacked a whole service
/// by mistake, all nodes of the service would be replaced at once. One thread at a time.
class AbsenceCheck {
public:
    /// `first` is the service's first unit. The tools must outlive the AbsenceCheck.
    AbsenceCheck(DeployedUnit first, const RunTools& tools) : first_(std::move(first)), tools_(tools) {}

    /// Looks at the unit once. Returns the pause before the next look; nullopt: the check has ended. A unit that was
    /// just destroyed may still be listed for a moment, so the unit counts only if several looks find it.
    std::optional<std::chrono::milliseconds> look();

    /// Why the service must not be created; empty: it may.
    [[nodiscard]] const std::string& obstacle() const noexcept { return obstacle_; }
    [[nodiscard]] bool is_there() const noexcept { return is_there_; }

private:
    DeployedUnit first_;
    const RunTools& tools_;
    std::size_t looks_ = 0;
    std::string obstacle_;
    bool is_there_ = false;
};

}  // namespace deployer
