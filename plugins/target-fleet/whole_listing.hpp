#pragma once

#include "fleet_api.hpp"
#include "known_units.hpp"

#include <deployer/call.hpp>

#include <mutex>
#include <vector>

namespace deployer::fleet {

/// Reads listings that can be believed, because under load fleet leaves units out without a sign. A listing counts when
/// it has every known unit, or when the next listing has exactly the same units. The first listing always needs such a
/// confirmation, because no units are known before. Any thread may call.
class WholeListing {
public:
    /// Both references must outlive this object. A listing that counts replaces the units in `known`.
    WholeListing(const FleetApi& api, KnownUnits& known) : api_(api), known_(known) {}

    /// Throws Error `unavailable` when no two listings agree, besides what FleetApi throws.
    [[nodiscard]] std::vector<FleetUnit> read(const Call& call);
    /// Reads a listing unless there was one already.
    void ensure(const Call& call);

private:
    const FleetApi& api_;
    KnownUnits& known_;
    std::mutex first_;  ///< held by the thread that makes the first listing
};

}  // namespace deployer::fleet
