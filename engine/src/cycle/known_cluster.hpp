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

/// What is known of the target: the actual state in memory, else the snapshot in the cache, else a listing (R30, R32).
/// Whatever is known may be lost at any moment. One thread.
class KnownCluster {
public:
    using Clock = std::chrono::steady_clock;

    /// No I/O. `events` must outlive the KnownCluster.
    KnownCluster(std::shared_ptr<Target> target, std::shared_ptr<Cache> cache, EventStream& events);

    /// Asks the target for its identity. Everything below but distrust_snapshot() needs that. Throws as the target.
    void identify();
    [[nodiscard]] bool is_identified() const noexcept { return identity_.has_value(); }
    [[nodiscard]] const std::string& identity() const { return *identity_; }

    /// Makes sure that the actual state is in memory. Throws as cache and target do.
    void load(const Calls& calls);
    /// The same, whatever is in memory.
    void reload(const Calls& calls);
    /// Lists the target for no other reason than that changes by hand are looked for.
    void list_for_drift(const Calls& calls);

    /// Whether the actual state is in memory.
    [[nodiscard]] bool is_loaded() const noexcept { return actual_.has_value(); }
    [[nodiscard]] const ActualState& actual() const { return *actual_; }
    /// When the actual state was listed, or read from the snapshot. A time of its own for each.
    [[nodiscard]] Clock::time_point listed_at() const noexcept { return listed_at_; }
    [[nodiscard]] bool is_listed_for_drift() const noexcept { return is_listed_for_drift_; }
    /// Whether the actual state was compared since it was listed, and is what the cache has.
    [[nodiscard]] bool is_settled() const noexcept { return is_settled_; }

    /// The actual state was compared. Stores it as the snapshot: from now on it is compared only when something moves.
    /// Throws as the cache.
    void settle(const Calls& calls);
    /// Drops what is known, in memory and, durably, in the cache. Throws as the cache.
    void forget(const Calls& calls);
    /// The snapshot is not believed: the next load lists the target.
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
