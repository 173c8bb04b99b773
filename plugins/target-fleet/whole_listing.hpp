#pragma once

#include "fleet_api.hpp"
#include "known_units.hpp"

#include <deployer/call.hpp>

#include <mutex>
#include <vector>

namespace deployer::fleet {

/// Listings that can be believed. Under load fleet leaves units out without a word. So a listing counts when it has
/// every unit that is known, or when the next one has just the same; and the first one, of which nobody knows what it
/// lacks, needs that too. Any thread.
class WholeListing {
public:
    /// Both must outlive it. What a listing holds becomes what `known` knows.
    WholeListing(const FleetApi& api, KnownUnits& known) : api_(api), known_(known) {}

    /// Throws Error `unavailable` when no two listings agree, besides what FleetApi throws.
    [[nodiscard]] std::vector<FleetUnit> read(const Call& call);
    /// Reads a listing unless there was one already.
    void ensure(const Call& call);

private:
    const FleetApi& api_;
    KnownUnits& known_;
    std::mutex first_;  ///< one thread makes the first listing
};

}  // namespace deployer::fleet
