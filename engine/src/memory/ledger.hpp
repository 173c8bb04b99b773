#pragma once

#include "actual/actual.hpp"
#include "events/report.hpp"
#include "plan/outcome.hpp"
#include "plan/plan.hpp"

#include <deployer/cache.hpp>
#include <deployer/revision.hpp>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// How one cycle that had changes to make, or nodes to wait for, ended.
struct HistoryEntry {
    std::string time;  ///< UTC, ISO 8601
    Revision revision;
    std::string result;
    std::string summary;
    std::vector<GroupOutcome> groups{};  ///< groups with another outcome than `applied`

    bool operator==(const HistoryEntry&) const = default;
};

/// The verdict on a content that did not become ready (R43).
struct Quarantine {
    std::string since;                  ///< UTC, ISO 8601
    Outcome outcome = Outcome::halted;  ///< halted, rolled_back, or degraded (`on_timeout: continue`)
    std::string reason;                 ///< for people, one line
    std::string id{};  ///< unique: an order to retry names the id, so it ends this quarantine and no later one

    bool operator==(const Quarantine&) const = default;
};

/// A change that the target has accepted, kept to recognise the same change in later cycles.
struct MadeChange {
    /// A change that was made so many times is in vain: the target alters what it is given, so the difference returns.
    static constexpr std::size_t most = 2;

    std::string unit;
    std::string signature;  ///< signature_of()
    std::size_t times = 0;  ///< in a row

    bool operator==(const MadeChange&) const = default;
};

/// The gated rollout of a service: under way, or ended badly.
struct RolloutRecord {
    std::string service;
    std::string digest;                ///< group_digests() of the content that is rolled out
    std::vector<DeployedUnit> former;  ///< the units to go back to on a rollback
    std::optional<Quarantine> quarantine{};
    bool fresh = false;  ///< the cluster had no unit of the service when the rollout began
};
bool operator==(const RolloutRecord& left, const RolloutRecord& right);

/// The deployer's memory of the cycles so far (R31). A revision that was attempted and not applied is still owed.
struct Ledger {
    static constexpr std::size_t history_limit = 50;

    Revision attempted;
    Revision applied;
    /// Of the configuration in use when `applied` was booked. Another configuration may want other changes for the same
    /// revision, so it leads to a new comparison.
    std::string fingerprint;
    LeftAlone left;                  ///< what the cycle that booked `applied` left alone
    std::vector<std::string> notes;  ///< the messages of that cycle about `left`
    /// Units that were changed by a gated step and were not seen ready since; sorted. While such a unit is still wanted
    /// as it is, the revision is not applied and nothing is destroyed (R25, R31).
    std::vector<std::string> unproven;
    std::vector<RolloutRecord> rollouts{};  ///< by service, each once
    std::vector<HistoryEntry> history{};    ///< oldest first, at most history_limit
    std::vector<MadeChange> made{};         ///< changes made by the last cycle, and those in vain; each unit once
    std::string changed_at{};               ///< when the target last accepted a change; empty: unknown
    std::vector<NotReady> not_running{};    ///< units as wanted that did not run at the last look

    [[nodiscard]] RolloutRecord* find_rollout(std::string_view service);
    /// The record of the service; a new one when there is none.
    RolloutRecord& rollout_of(const std::string& service);

    void add_unproven(const std::string& unit);
    [[nodiscard]] bool is_unproven(const std::string& unit) const;
    /// Forgets unproven units that are not among `units`.
    void keep_unproven(const std::set<std::string>& units);

    /// Forgets each change in `made` that the plan does not make again: the row of equal changes is broken. To be
    /// called before the first change, for the process may end before note_made().
    void forget_made(const Plan& plan);
    /// Notes the changes of a cycle that the target has accepted. Units that the comparison found as wanted are
    /// forgotten.
    void note_made(const Plan& plan, const std::vector<ChangeResult>& results);

    /// Adds an entry to the history, unless it says the same as the last one, but for the time.
    void add(HistoryEntry entry);
    bool operator==(const Ledger&) const = default;
};

std::string write_ledger(const Ledger& ledger);

/// Nullopt for a document that is not a whole ledger. Without a ledger, everything is owed.
std::optional<Ledger> read_ledger(std::string_view document);

}  // namespace deployer
