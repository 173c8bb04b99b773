#pragma once

#include "actual/actual.hpp"
#include "config/config.hpp"
#include "cycle/known_cluster.hpp"
#include "cycle/unit_looks.hpp"
#include "events/events.hpp"
#include "events/report.hpp"
#include "host/calls.hpp"
#include "memory/ledger.hpp"
#include "memory/orders.hpp"
#include "plan/planner.hpp"
#include "rollout/rollout.hpp"
#include "wanted/wanted.hpp"

#include <deployer/cache.hpp>
#include <deployer/health.hpp>
#include <deployer/source.hpp>
#include <deployer/target.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace deployer {

/// What a Reconciler decides by.
struct ReconcilePolicy {
    PlanPolicy plan;
    RolloutPolicy rollout;
    Drift drift = Drift::ignore;
    std::chrono::milliseconds resync_interval{600'000};
    std::string fingerprint;
    std::chrono::milliseconds interval{60'000};  ///< between two looks for a newer revision during a rollout
};

/// The plugins that a cycle needs, guarded (guard.hpp).
struct Plugins {
    std::shared_ptr<Source> source;
    std::shared_ptr<Target> target;
    std::shared_ptr<Cache> cache;
    std::shared_ptr<Health> health{};  ///< null: the target's word alone counts
};

/// Makes the actual state the wanted one, a cycle at a time (DESIGN section 7 in docs/ARCHITECTURE.md). The only part
/// that knows all others. Keeps the last wanted and actual state in memory, so that a cycle in which nothing moved
/// costs the source one question and the target none; whatever it holds may be lost at any moment (R33). One thread.
class Reconciler {
public:
    /// No I/O. `events` must outlive the Reconciler.
    Reconciler(Plugins plugins, ReconcilePolicy policy, EventStream& events);

    /// One cycle. Never throws for what a plugin does: the report says how it ended.
    CycleReport run_cycle(const Calls& calls);

    /// The plan that the next cycle would carry out. Writes nothing anywhere, not even the cache.
    CycleReport preview(const Calls& calls);

    /// Reads the wanted state alone, and says what is held. Asks neither target nor cache.
    CycleReport validate(const Calls& calls);

    /// The next cycle does not believe the snapshot and lists the target (R32). No I/O.
    void distrust_snapshot() noexcept { cluster_.distrust_snapshot(); }

    /// Another health plugin, or none, from the next cycle on.
    void use_health(std::shared_ptr<Health> health) noexcept { plugins_.health = std::move(health); }

private:
    void load_ledger(const Calls& calls);
    /// Compares; forgets rollouts that are no longer of concern. Writes nothing.
    Plan compare();
    /// For a cycle that has failed: a failure to forget is only logged.
    void try_to_forget_cluster(const Calls& calls);
    /// For the threads of a rollout: forgets the cluster unless that was done.
    void forget_cluster_once(const Calls& calls);
    [[nodiscard]] bool is_look_for_drift_due() const;
    /// Reads the wanted state if there is a newer one. False when there is nothing to compare: nothing moved, and
    /// nothing is owed.
    bool load_wanted(const Calls& calls);
    [[nodiscard]] WantedState read_source(const Calls& calls);
    /// Whether the last revision that was attempted is not applied, or was applied by another configuration.
    [[nodiscard]] bool owed() const;
    /// The source is asked for a revision that is newer than this one. Empty: for whatever revision it has.
    [[nodiscard]] Revision known_revision() const;

    CycleReport reconcile(const Calls& calls);
    CycleReport report_drift(const Plan& plan, const Calls& calls);
    /// What carrying out the plan would do, as far as that is known before any look at units.
    CycleReport begin_report(const Plan& plan);
    CycleReport carry_out(const Plan& plan, const Calls& calls);
    std::optional<Error> roll_out(const Plan& plan, CycleReport& report, const Calls& calls);
    /// Has the rollout end for something newer (R44). Returns when the rollout is `finished`.
    void watch(const Plan& plan, Rollout& rollout, const std::stop_token& finished, const Calls& calls);
    /// After an outage of the target, units that failed are started once more and have all their time again.
    void note_outage(const RolloutEnd& end);
    [[nodiscard]] std::vector<DeployedUnit> units_in_doubt(const std::vector<Change>& changes) const;
    void tell_not_running(CycleReport& report, const std::vector<DeployedUnit>& in_doubt, const Calls& calls);
    /// In an idle cycle: looks at units in doubt when a look is due, and notes those that do not run.
    void look_again_at_rest(const Calls& calls);
    /// On a thread of the rollout.
    void store_verdict(const GroupOutcome& verdict, const Calls& calls);
    void store_ledger(Ledger ledger, const Calls& calls);

    Plugins plugins_;
    ReconcilePolicy policy_;
    EventStream& events_;
    KnownCluster cluster_;
    std::optional<Ledger> ledger_;
    Orders orders_;
    std::optional<WantedState> wanted_;
    RestingUnits resting_units_;
    WaitStarts wait_starts_;
    std::set<std::string> shaken_;  ///< services whose nodes were waited for while the target was out of reach
    std::mutex cache_turn_;         ///< during a rollout, its threads write to the cache while this one reads
    bool idle_ = false;
};

}  // namespace deployer
