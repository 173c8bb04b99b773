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

/// The settings of a Reconciler.
struct ReconcilePolicy {
    PlanPolicy plan;
    RolloutPolicy rollout;
    Drift drift = Drift::ignore;
    std::chrono::milliseconds resync_interval{600'000};
    std::string fingerprint;
    std::chrono::milliseconds interval{60'000};  ///< between two questions for a newer revision during a rollout
};

/// The plugins that a cycle needs, guarded (guard.hpp).
struct Plugins {
    std::shared_ptr<Source> source;
    std::shared_ptr<Target> target;
    std::shared_ptr<Cache> cache;
    std::shared_ptr<Health> health{};  ///< null: the target's word alone counts
};

/// Makes the actual state like the wanted state, a cycle at a time (docs/ARCHITECTURE.md, "The cycle"). The only part
/// that knows all others. Keeps the last wanted and actual state in memory, so that a cycle in which nothing moved
/// costs the source one question and the target none. Everything in memory may be lost at any moment (R33). One thread.
class Reconciler {
public:
    /// No I/O. `events` must outlive the Reconciler.
    Reconciler(Plugins plugins, ReconcilePolicy policy, EventStream& events);

    /// Runs one cycle. Errors of plugins are not thrown; the report says how the cycle ended.
    CycleReport run_cycle(const Calls& calls);

    /// The plan that the next cycle would carry out. Writes nothing anywhere, not even the cache.
    CycleReport preview(const Calls& calls);

    /// Reads only the wanted state, and reports held services. Asks neither target nor cache.
    CycleReport validate(const Calls& calls);

    /// Has the next cycle list the target instead of reading the snapshot (R32). No I/O.
    void distrust_snapshot() noexcept { cluster_.distrust_snapshot(); }

    /// Sets the health plugin, or none, from the next cycle on.
    void use_health(std::shared_ptr<Health> health) noexcept { plugins_.health = std::move(health); }

private:
    void load_ledger(const Calls& calls);
    /// Compares, and drops rollouts that no longer matter from the ledger in memory. Writes nothing.
    Plan compare();
    /// Forgets the cluster after a failed cycle. A failure to do so is only logged.
    void try_to_forget_cluster(const Calls& calls);
    /// Forgets the cluster unless that was done. For threads of a rollout.
    void forget_cluster_once(const Calls& calls);
    [[nodiscard]] bool is_look_for_drift_due() const;
    /// Reads the wanted state if there is a newer one. False when there is nothing to compare: nothing moved, and
    /// nothing is owed.
    bool load_wanted(const Calls& calls);
    [[nodiscard]] WantedState read_source(const Calls& calls);
    /// Whether the last revision that was attempted is not applied, or was applied by another configuration.
    [[nodiscard]] bool owed() const;
    /// The revision to name to the source, which gives only a newer one. Empty: the source gives any revision it has.
    [[nodiscard]] Revision known_revision() const;

    CycleReport reconcile(const Calls& calls);
    CycleReport report_drift(const Plan& plan, const Calls& calls);
    /// The report on the plan before any look at units: destroys that the plan itself rules out are skipped.
    CycleReport begin_report(const Plan& plan);
    CycleReport carry_out(const Plan& plan, const Calls& calls);
    std::optional<Error> roll_out(const Plan& plan, CycleReport& report, const Calls& calls);
    /// Ends the rollout for a newer revision or a pause (R44). Returns when the rollout is `finished`, at the latest.
    void watch(const Plan& plan, Rollout& rollout, const std::stop_token& finished, const Calls& calls);
    /// Notes services that were waited for during an outage of the target. Their failed units are started once more,
    /// and have the whole timeout again.
    void note_outage(const RolloutEnd& end);
    [[nodiscard]] std::vector<DeployedUnit> units_in_doubt(const std::vector<Change>& changes) const;
    void tell_not_running(CycleReport& report, const std::vector<DeployedUnit>& in_doubt, const Calls& calls);
    /// In an idle cycle: looks at units in doubt if a look is due, and books those that do not run.
    void look_again_at_rest(const Calls& calls);
    /// Books the quarantine of a service. Called on a thread of the rollout.
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
    std::mutex cache_turn_;         ///< a rollout's threads write to the cache while this thread reads
    bool idle_ = false;
};

}  // namespace deployer
