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
    skipped,      ///< not begun, because of something before it
    superseded,   ///< done, and no longer waited for when a newer revision came
    rolled_back,  ///< done, and put back to what it was
    broken_off,   ///< under way, or waited for, when the cycle ended early
};
std::string_view to_string(ChangeStatus status) noexcept;

/// One change of a plan, and how it ended.
struct ChangeResult {
    Change change;
    ChangeStatus status = ChangeStatus::planned;
    std::string error;     ///< why it failed or was skipped
    bool is_made = false;  ///< the target has taken it, whatever came of it then
};

/// A unit that is as wanted and not ready.
struct NotReady {
    std::string unit;
    std::string detail;  ///< what the target says of it
    /// An earlier cycle changed it, and it was not seen ready since. Else it does not run, for whatever reason.
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
    std::vector<GroupOutcome> groups;   ///< by service: those of which there is more to tell than their changes do
    std::vector<Held> held;
    std::vector<NotReady> not_ready;
    std::size_t wanted = 0;  ///< how many units the revision declares, as far as that is known
    LeftAlone left;
    std::vector<std::string> notes;     ///< what was left alone and how to allow it
    std::vector<std::string> warnings;  ///< about the wanted state
    bool overtaken = false;             ///< something newer is known to be waiting
    std::optional<Error> error;         ///< why the cycle ended early; set exactly when `failed`
};

/// The report on a plan that is not carried out: every change is `planned`, and the result is the one that carrying the
/// plan out would have.
CycleReport report_of(const Plan& plan, const WantedState& wanted);

/// The report where nothing is compared: all that the wanted state alone tells.
CycleReport report_of(const WantedState& wanted);

/// The report on a cycle that ended before it knew anything.
CycleReport failed_report(const Error& error);

/// Whether anything in it is still to be carried out.
bool has_planned(const CycleReport& report);

/// How many changes did not end well, destroys and the changes of the units in `but` aside.
std::size_t count_unfinished(const CycleReport& report, const std::set<std::string>& but = {});

/// Sets the outcome of one service; it takes the place of an earlier one.
void set_outcome(CycleReport& report, GroupOutcome outcome);

/// Tells of a service of which nothing is touched, with the reason, the changes that are left and the advice.
void tell_standstill(CycleReport& report, const Standstill& still);

/// Tells of each service that the report tells nothing of yet: it ended as its changes did.
void conclude_groups(CycleReport& report);

/// The result that the parts of a report add up to: that of the worst.
Outcome conclude(const CycleReport& report);

/// The report as one JSON object, for programs (docs/COMMANDS.md).
std::string write_json(const CycleReport& report);

/// The report for people: a table of changes, what is held and why, what was left, and
/// `closing` as the last line. `colour`: with terminal colours.
std::string write_table(const CycleReport& report, const std::string& closing, bool colour);

/// One line: "2 created, 1 updated, 1 failed".
std::string summarise(const CycleReport& report);

}  // namespace deployer
