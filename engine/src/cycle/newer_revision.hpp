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

/// A rollout under way, and the values that it was planned from. They must outlive the watch.
struct WatchedRollout {
    const Plan& plan;
    const WantedState& wanted;
    const Orders& orders;
};

/// The tools of a watch. The objects must outlive the watch.
struct WatchTools {
    Source& source;
    std::function<Orders()> read_orders;  ///< reads the present orders; throws as the cache does
    std::chrono::milliseconds interval;   ///< pause between checkouts, for a source that notices no changes itself
    const Calls& calls;
};

/// Watches source and orders during a rollout, until `finished` or a stop, or until the rollout has to end (R44): for a
/// revision that wants another state, or for a pause of a service in the plan. Returns the reason to end the rollout,
/// "superseded by revision r2", else nullopt. A failed checkout is repeated; the rollout goes on meanwhile.
std::optional<std::string> watch_for_newer(const WatchedRollout& rollout, const WatchTools& tools,
                                           const std::stop_token& finished);

}  // namespace deployer
