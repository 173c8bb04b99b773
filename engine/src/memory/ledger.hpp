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

/// How one cycle that did something ended.
struct HistoryEntry {
    std::string time;  ///< UTC, ISO 8601
    Revision revision;
    std::string result;
    std::string summary;
    std::vector<GroupOutcome> groups{};  ///< those that did not simply end well

    bool operator==(const HistoryEntry&) const = default;
};

/// The verdict on a content that did not become ready (R43).
struct Quarantine {
    std::string since;                  ///< UTC, ISO 8601
    Outcome outcome = Outcome::halted;  ///< halted, rolled_back, or degraded where all nodes were changed all the same
    std::string reason;                 ///< for people, one line
    std::string id{};                   ///< its own: an order to try again names it, and ends no other one

    bool operator==(const Quarantine&) const = default;
};

/// A change that the target has taken, for it to be known again.
struct MadeChange {
    /// From so many on it is in vain: the target gives the unit back otherwise than it got it.
    static constexpr std::size_t most = 2;

    std::string unit;
    std::string signature;  ///< signature_of()
    std::size_t times = 0;  ///< in a row

    bool operator==(const MadeChange&) const = default;
};

/// The gated rollout of a service: under way, or ended badly.
struct RolloutRecord {
    std::string service;
    std::string digest;                ///< group_digests() of what is rolled out
    std::vector<DeployedUnit> former;  ///< what its units go back to, if they are to
    std::optional<Quarantine> quarantine{};
    bool fresh = false;  ///< nothing of it was there when this began
};
bool operator==(const RolloutRecord& left, const RolloutRecord& right);

/// What is remembered of the cycles so far (R31). A revision that was attempted and not applied is still owed.
struct Ledger {
    static constexpr std::size_t history_limit = 50;

    Revision attempted;
    Revision applied;
    /// Of the configuration that `applied` was judged by: another one may want other changes of the same revision.
    std::string fingerprint;
    LeftAlone left;                  ///< by the cycle that applied
    std::vector<std::string> notes;  ///< what it said of them
    /// Units that were to be waited for when they were changed, and were not seen ready since; sorted. While there is
    /// one that is still wanted so, its revision is not applied and nothing is destroyed (R25, R31).
    std::vector<std::string> unproven;
    std::vector<RolloutRecord> rollouts{};  ///< by service, each once
    std::vector<HistoryEntry> history{};    ///< oldest first, at most history_limit
    std::vector<MadeChange> made{};         ///< by the last cycle, or again and again in vain; each unit once
    std::string changed_at{};               ///< when the target last took a change; empty: nobody knows
    std::vector<NotReady> not_running{};    ///< units that are as wanted and did not run when they were looked at last

    [[nodiscard]] RolloutRecord* find_rollout(std::string_view service);
    /// The service's; made when there is none.
    RolloutRecord& rollout_of(const std::string& service);

    void add_unproven(const std::string& unit);
    [[nodiscard]] bool is_unproven(const std::string& unit) const;
    /// Forgets those that are not among `units`.
    void keep_unproven(const std::set<std::string>& units);

    /// Forgets the changes made of units of which the plan makes none, or another one: these are no longer the last in
    /// a row. To be called before the first change, for the process may end before note_made().
    void forget_made(const Plan& plan);
    /// Notes which changes of a cycle the target has taken. What a comparison found as wanted is forgotten.
    void note_made(const Plan& plan, const std::vector<ChangeResult>& results);

    /// An outcome that tells nothing new is not added.
    void add(HistoryEntry entry);
    bool operator==(const Ledger&) const = default;
};

std::string write_ledger(const Ledger& ledger);

/// Nullopt for anything but a whole ledger; without one, everything is owed.
std::optional<Ledger> read_ledger(std::string_view document);

}  // namespace deployer
