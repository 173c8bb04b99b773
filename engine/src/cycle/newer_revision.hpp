#pragma once

#include "host/calls.hpp"
#include "memory/orders.hpp"
#include "plan/plan.hpp"
#include "wanted/wanted.hpp"

#include <deployer/source.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace deployer {

/// A rollout under way, and what it was planned from. All of it must outlive the watch.
struct WatchedRollout {
    const Plan& plan;
    const WantedState& wanted;
    const Orders& orders;
};

/// What a watch asks. All of it must outlive the watch.
struct WatchTools {
    Source& source;
    std::function<Orders()> read_orders;  ///< as they are now; throws as the cache
    std::chrono::milliseconds interval;   ///< between two questions to a source that sees no changes by itself
    const Calls& calls;
};

/// Watches the source during a rollout, until `finished`, until a stop, or until something newer is found that ends the
/// rollout (R44): a revision that wants something else, or a pause of something in the plan. Returns why the rollout
/// ends, "superseded by revision r2", or nullopt. A question that fails is asked again; the rollout goes on meanwhile.
std::optional<std::string> watch_for_newer(const WatchedRollout& rollout, const WatchTools& tools,
                                           const std::stop_token& finished);

}  // namespace deployer
