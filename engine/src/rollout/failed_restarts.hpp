#pragma once

#include "actual/actual.hpp"
#include "rollout/restart.hpp"
#include "rollout/run_tools.hpp"

#include <deployer/target.hpp>

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace deployer {

/// Starts failed units once more after a retry was ordered or an outage is over, because a target does not start failed
/// units by itself. A sidekick that stopped along with a failed node is started with the node. One thread at a time.
class FailedRestarts {
public:
    /// `units` and the tools must outlive the FailedRestarts.
    FailedRestarts(const std::vector<DeployedUnit>& units, const RunTools& tools) : units_(units), tools_(tools) {}

    /// The first call looks at the units, and puts those to rest that have to be started. Returns the pause before the
    /// next call; nullopt: all are started. Does not throw Error: the gate that follows reports what is wrong with a
    /// unit.
    std::optional<std::chrono::milliseconds> go_on();

private:
    void begin();
    /// The units that should run and are not ready.
    [[nodiscard]] std::vector<std::pair<const DeployedUnit*, Readiness>> find_down();

    const std::vector<DeployedUnit>& units_;
    const RunTools& tools_;
    std::optional<std::vector<Restart>> restarts_;
};

}  // namespace deployer
