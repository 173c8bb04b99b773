#pragma once

#include "actual/actual.hpp"
#include "events/events.hpp"
#include "host/calls.hpp"

#include <deployer/cache.hpp>
#include <deployer/target.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace deployer {

/// The actual state of the target: from memory, else from the snapshot in the cache, else from a listing (R30, R32).
/// Memory and snapshot may be lost at any moment. One thread at a time; the callers see to that.
class KnownCluster {
public:
    using Clock = std::chrono::steady_clock;

    /// No I/O. `events` must outlive the KnownCluster.
    KnownCluster(std::shared_ptr<Target> target, std::shared_ptr<Cache> cache, EventStream& events);

    /// Asks the target for its identity. To be called before all functions below except distrust_snapshot(). Throws as
    /// the target does.
    void identify();
    [[nodiscard]] bool is_identified() const noexcept { return identity_.has_value(); }
    [[nodiscard]] const std::string& identity() const { return *identity_; }

    /// Reads the actual state unless it is in memory. Throws as cache and target do.
    void load(const Calls& calls);
    /// Reads the actual state from snapshot or target, even when it is in memory.
    void reload(const Calls& calls);
    /// Lists the target only to look for changes that somebody made by hand.
    void list_for_drift(const Calls& calls);

    /// Whether the actual state is in memory.
    [[nodiscard]] bool is_loaded() const noexcept { return actual_.has_value(); }
    [[nodiscard]] const ActualState& actual() const { return *actual_; }
    /// When the actual state was listed or read from the snapshot. Each reading has a different time.
    [[nodiscard]] Clock::time_point listed_at() const noexcept { return listed_at_; }
    [[nodiscard]] bool is_listed_for_drift() const noexcept { return is_listed_for_drift_; }
    /// Whether the actual state was compared since it was listed, and the cache has it as the snapshot.
    [[nodiscard]] bool is_settled() const noexcept { return is_settled_; }

    /// To be called when the actual state was compared. Stores it as the snapshot, so that the next comparison waits
    /// for a change. Throws as the cache does.
    void settle(const Calls& calls);
    /// Drops the actual state from memory and, durably, the snapshot from the cache. Throws as the cache does.
    void forget(const Calls& calls);
    /// Makes the next load list the target instead of reading the snapshot.
    void distrust_snapshot() noexcept { snapshot_is_trusted_ = false; }

private:
    bool load_snapshot(const Calls& calls);
    void list(const Calls& calls);
    [[nodiscard]] std::string snapshot_key() const;

    std::shared_ptr<Target> target_;
    std::shared_ptr<Cache> cache_;
    EventStream& events_;
    std::optional<std::string> identity_;
    std::optional<ActualState> actual_;
    Clock::time_point listed_at_;
    bool is_settled_ = false;
    bool is_listed_for_drift_ = false;
    bool snapshot_is_trusted_ = true;
};

}  // namespace deployer
