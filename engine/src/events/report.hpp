#pragma once

#include "plan/outcome.hpp"
#include "plan/plan.hpp"
#include "wanted/wanted.hpp"

#include <deployer/error.hpp>
#include <deployer/revision.hpp>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

enum class ChangeStatus {
    planned,  ///< not begun
    done,
    failed,
    skipped,      ///< not begun, for the reason in ChangeResult::error
    superseded,   ///< made, but a newer revision ended the wait for readiness
    rolled_back,  ///< made, and undone: the unit is as it was before
    broken_off,   ///< the cycle ended early while the change or its wait was under way
};
std::string_view to_string(ChangeStatus status) noexcept;

/// One change of a plan, and how it ended.
struct ChangeResult {
    Change change;
    ChangeStatus status = ChangeStatus::planned;
    std::string error;     ///< why the change failed or was skipped
    bool is_made = false;  ///< the target has accepted the change, even if the unit was not ready later
};

/// A unit whose content and state are as wanted, but which is not ready.
struct NotReady {
    std::string unit;
    std::string detail;  ///< the target's explanation
    /// True: an earlier cycle changed the unit, and it was not seen ready since. False: it has stopped running later.
    bool was_changed = true;

    [[nodiscard]] std::string text() const;  ///< for people, one line
    bool operator==(const NotReady&) const = default;
};

/// How the group of one service ended.
struct GroupOutcome {
    std::string service;  ///< "": all services
    Outcome outcome = Outcome::applied;
    std::string detail;  ///< for people, one line; may be empty

    bool operator==(const GroupOutcome&) const = default;
};

/// The outcome of one cycle, or of a plan.
struct CycleReport {
    Revision revision;
    Outcome result = Outcome::in_sync;
    std::vector<ChangeResult> changes;  ///< in the order of the plan
    std::vector<GroupOutcome> groups;   ///< by service; after conclude_groups(), of each service with changes
    std::vector<Held> held;
    std::vector<NotReady> not_ready;
    std::size_t wanted = 0;  ///< how many units the revision declares, held services aside
    LeftAlone left;
    std::vector<std::string> notes;     ///< for people: which units were left alone, and how to allow the change
    std::vector<std::string> warnings;  ///< about the wanted state
    bool overtaken = false;             ///< a newer revision was found, so the next cycle begins at once
    std::optional<Error> error;         ///< why the cycle ended early; set exactly when `failed`
};

/// The report on a plan that is not carried out: every change is `planned`, and the result is the one that carrying the
/// plan out would have.
CycleReport report_of(const Plan& plan, const WantedState& wanted);

/// The report on a wanted state that is not compared: revision, held services, warnings.
CycleReport report_of(const WantedState& wanted);

/// The report on a cycle that ended with an error before it had a plan.
CycleReport failed_report(const Error& error);

/// Whether any change is still `planned`.
bool has_planned(const CycleReport& report);

/// How many changes are not `done`. Destroys and changes of units in `but` do not count.
std::size_t count_unfinished(const CycleReport& report, const std::set<std::string>& but = {});

/// Sets the outcome of one service, in place of an earlier one.
void set_outcome(CycleReport& report, GroupOutcome outcome);

/// Adds a service that is not touched, with the reason, the number of changes left and the advice.
void tell_standstill(CycleReport& report, const Standstill& still);

/// Adds an outcome for each service that has changes and no outcome yet: `applied` or `degraded`, as its changes ended.
void conclude_groups(CycleReport& report);

/// The result of the whole report: that of its worst part.
Outcome conclude(const CycleReport& report);

/// The report as one JSON object, for programs (docs/COMMANDS.md).
std::string write_json(const CycleReport& report);

/// The report for people: a table of changes, services that are held and why, units that were left, and `closing` as
/// the last line. `colour`: with terminal colours.
std::string write_table(const CycleReport& report, const std::string& closing, bool colour);

/// One line: "2 created, 1 updated, 1 failed".
std::string summarise(const CycleReport& report);

}  // namespace deployer
