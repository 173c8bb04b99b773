#include "events/report.hpp"

#include "events/group_json.hpp"

#include "text/quantity.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <sstream>
#include <utility>

namespace deployer {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

Array write_texts(const std::vector<std::string>& texts) {
    Array array;
    for (const auto& text : texts) array.add(printable(text));
    return array;
}

Array write_differences(const std::vector<OptionDifference>& differences) {
    Array array;
    for (const auto& difference : differences) {
        auto object = json::ordered_object();
        object.set("section", printable(difference.section));
        object.set("name", printable(difference.name));
        if (difference.from) object.set("from", printable(*difference.from));
        if (difference.to) object.set("to", printable(*difference.to));
        if (!difference.hidden.empty()) object.set("hidden", write_texts(difference.hidden));
        array.add(object);
    }
    return array;
}

Object write_change(const ChangeResult& result) {
    auto object = json::ordered_object();
    object.set("action", std::string(action_of(result.change.kind)));
    object.set("unit", printable(result.change.unit));
    object.set("group", printable(result.change.service));
    object.set("reason", printable(result.change.reason));
    object.set("status", std::string(to_string(result.status)));
    if (!result.error.empty()) object.set("error", printable(result.error));
    if (!result.change.differences.empty()) object.set("differences", write_differences(result.change.differences));
    return object;
}

Object write_left(const LeftAlone& left) {
    auto object = json::ordered_object();
    object.set("destroy_disabled", left.destroy_disabled);
    object.set("max_destroy", left.max_destroy);
    object.set("disputed", left.disputed);
    object.set("protected", left.protected_units);
    object.set("altered", left.altered);
    return object;
}

constexpr std::string_view reset = "\033[0m";
constexpr std::string_view bold = "\033[1m";
constexpr std::string_view red = "\033[31m";
constexpr std::string_view green = "\033[32m";
constexpr std::string_view yellow = "\033[33m";
constexpr std::string_view cyan = "\033[36m";

std::string_view colour_of(const ChangeResult& result) {
    if (result.status == ChangeStatus::failed) return red;
    if (result.status != ChangeStatus::done && result.status != ChangeStatus::planned) return yellow;
    const auto action = action_of(result.change.kind);
    return action == "create" ? green : action == "destroy" ? red : cyan;
}

std::string paint(const std::string& text, std::string_view colour, bool wanted) {
    return wanted ? std::string(colour) + text + std::string(reset) : text;
}

std::string pad(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

void write_changes(std::ostream& out, const CycleReport& report, bool colour) {
    std::size_t width = 0;
    for (const auto& result : report.changes) width = std::max(width, result.change.unit.size());
    for (const auto& result : report.changes) {
        out << "  " << paint(pad(std::string(action_of(result.change.kind)), 9), colour_of(result), colour) << "  "
            << pad(printable(result.change.unit), width) << "  " << pad(std::string(to_string(result.status)), 7)
            << "  " << printable(result.change.reason) << '\n';
        if (!result.error.empty()) {
            out << "             " << paint(printable(result.error), colour_of(result), colour) << '\n';
        }
    }
}

void write_lines(std::ostream& out, std::string_view word, std::string_view tint, const std::vector<std::string>& lines,
                 bool colour) {
    for (const auto& line : lines) {
        out << "  " << paint(pad(std::string(word), 9), tint, colour) << "  " << printable(line) << '\n';
    }
}

std::vector<std::string> held_lines(const CycleReport& report) {
    std::vector<std::string> lines;
    for (const auto& held : report.held) {
        lines.push_back((held.service.empty() ? std::string("(any service)") : held.service) + ": " + held.error);
    }
    return lines;
}

std::vector<std::string> not_ready_lines(const CycleReport& report) {
    std::vector<std::string> lines;
    lines.reserve(report.not_ready.size());
    for (const auto& entry : report.not_ready) lines.push_back(entry.text());
    return lines;
}

std::vector<std::string> lines_of(const CycleReport& report, Outcome outcome) {
    std::vector<std::string> lines;
    for (const auto& group : report.groups) {
        if (group.outcome != outcome || (group.detail.empty() && outcome == Outcome::degraded)) continue;
        const auto service = group.service.empty() ? std::string("all services") : group.service;
        lines.push_back(group.detail.empty() ? service : service + ": " + group.detail);
    }
    return lines;
}

/// The person who paused a service knows that the service may not be ready, so that is no trouble.
bool is_paused(const CycleReport& report, std::string_view service) {
    return std::any_of(report.groups.begin(), report.groups.end(), [&](const auto& group) {
        return group.outcome == Outcome::paused && (group.service.empty() || group.service == service);
    });
}

}  // namespace

std::string NotReady::text() const {
    auto line = unit;
    return line.append(was_changed ? ", changed by an earlier cycle, is not ready: " : " is as wanted, and not ready: ")
        .append(detail);
}

std::string_view to_string(ChangeStatus status) noexcept {
    switch (status) {
        case ChangeStatus::planned:
            return "planned";
        case ChangeStatus::done:
            return "done";
        case ChangeStatus::failed:
            return "failed";
        case ChangeStatus::skipped:
            return "skipped";
        case ChangeStatus::superseded:
            return "superseded";
        case ChangeStatus::rolled_back:
            return "rolled_back";
        case ChangeStatus::broken_off:
            return "broken_off";
    }
    return "planned";
}

CycleReport report_of(const WantedState& wanted) {
    CycleReport report;
    report.revision = wanted.revision;
    report.held = wanted.held;
    report.wanted = wanted.units.size();
    report.warnings = wanted.warnings;
    report.result = conclude(report);
    return report;
}

CycleReport report_of(const Plan& plan, const WantedState& wanted) {
    auto report = report_of(wanted);
    report.changes.reserve(plan.changes.size());
    for (const auto& change : plan.changes) report.changes.push_back({change, ChangeStatus::planned, {}});
    for (const auto& still : plan.standing) tell_standstill(report, still);
    report.left = plan.left;
    report.notes = plan.notes;
    report.result = conclude(report);
    return report;
}

CycleReport failed_report(const Error& error) {
    CycleReport report;
    report.result = Outcome::failed;
    report.error = error;
    return report;
}

bool has_planned(const CycleReport& report) {
    return std::any_of(report.changes.begin(), report.changes.end(),
                       [](const auto& result) { return result.status == ChangeStatus::planned; });
}

std::size_t count_unfinished(const CycleReport& report, const std::set<std::string>& but) {
    return static_cast<std::size_t>(
        std::count_if(report.changes.begin(), report.changes.end(), [&](const auto& result) {
            return !is_destroy(result.change.kind) && result.status != ChangeStatus::done &&
                   !but.contains(result.change.unit);
        }));
}

void set_outcome(CycleReport& report, GroupOutcome outcome) {
    auto& groups = report.groups;
    const auto place = std::lower_bound(groups.begin(), groups.end(), outcome, [](const auto& left, const auto& right) {
        return numeric_less(left.service, right.service);
    });
    if (place != groups.end() && place->service == outcome.service) {
        *place = std::move(outcome);
    } else {
        groups.insert(place, std::move(outcome));
    }
}

void tell_standstill(CycleReport& report, const Standstill& still) {
    auto detail = still.reason;
    if (still.changes > 0) detail += ", " + quantity(still.changes, "change") + " left";
    if (!still.advice.empty()) detail += "; " + still.advice;
    set_outcome(report, {still.service, still.outcome, std::move(detail)});
}

void conclude_groups(CycleReport& report) {
    std::map<std::string, GroupOutcome> outcomes;
    for (const auto& result : report.changes) {
        auto& group = outcomes[result.change.service];
        group.service = result.change.service;
        if (result.status == ChangeStatus::done) continue;
        group.outcome = Outcome::degraded;
        if (group.detail.empty() && result.status == ChangeStatus::failed) {
            group.detail = result.change.unit + ": " + result.error;
        }
    }
    for (const auto& group : report.groups) outcomes.erase(group.service);
    for (auto& [service, group] : outcomes) set_outcome(report, std::move(group));
}

Outcome conclude(const CycleReport& report) {
    if (report.error) return Outcome::failed;
    const bool all_well = std::all_of(report.changes.begin(), report.changes.end(), [](const auto& result) {
        return result.status == ChangeStatus::done || result.status == ChangeStatus::planned;
    });
    auto worst = report.changes.empty() ? Outcome::in_sync : Outcome::applied;
    if (!report.held.empty()) worst = Outcome::held;
    const bool all_ready = std::all_of(report.not_ready.begin(), report.not_ready.end(),
                                       [&](const auto& entry) { return is_paused(report, service_name(entry.unit)); });
    const auto& left = report.left;
    if (!all_well || !all_ready || left.max_destroy > 0 || left.disputed > 0 || left.altered > 0) {
        worst = Outcome::degraded;
    }
    for (const auto& group : report.groups) worst = std::max(worst, group.outcome);
    return worst;
}

std::string write_json(const CycleReport& report) {
    Array changes;
    for (const auto& result : report.changes) changes.add(write_change(result));
    Array held;
    for (const auto& entry : report.held) {
        auto object = json::ordered_object();
        object.set("service", printable(entry.service));
        object.set("error", printable(entry.error));
        held.add(object);
    }
    Array not_ready;
    for (const auto& entry : report.not_ready) {
        auto object = json::ordered_object();
        object.set("unit", printable(entry.unit));
        object.set("detail", printable(entry.detail));
        object.set("was_changed", entry.was_changed);
        not_ready.add(object);
    }
    auto root = json::ordered_object();
    root.set("revision", printable(report.revision.id));
    root.set("result", std::string(to_string(report.result)));
    if (report.error) {
        root.set("error", printable(report.error->what()));
        root.set("error_kind", std::string(to_string(report.error->kind())));
    }
    root.set("changes", changes);
    root.set("groups", write_groups(report.groups));
    root.set("held", held);
    root.set("not_ready", not_ready);
    root.set("left", write_left(report.left));
    root.set("notes", write_texts(report.notes));
    root.set("warnings", write_texts(report.warnings));
    return json::document_text(root);
}

std::string write_table(const CycleReport& report, const std::string& closing, bool colour) {
    std::ostringstream out;
    if (!report.revision.empty()) out << paint("revision " + printable(report.revision.id), bold, colour) << '\n';
    write_changes(out, report, colour);
    for (const auto outcome : {Outcome::halted, Outcome::rolled_back, Outcome::superseded, Outcome::quarantined,
                               Outcome::degraded, Outcome::paused}) {
        const auto tint = outcome == Outcome::halted || outcome == Outcome::rolled_back ? red : yellow;
        write_lines(out, to_string(outcome), tint, lines_of(report, outcome), colour);
    }
    write_lines(out, "held", yellow, held_lines(report), colour);
    write_lines(out, "waiting", yellow, not_ready_lines(report), colour);
    write_lines(out, "left", yellow, report.notes, colour);
    write_lines(out, "warning", yellow, report.warnings, colour);
    if (report.error) write_lines(out, "error", red, {report.error->what()}, colour);
    const auto tint = report.result >= Outcome::rolled_back ? red : report.result > Outcome::applied ? yellow : green;
    out << paint(closing, tint, colour) << '\n';
    return std::move(out).str();
}

std::string summarise(const CycleReport& report) {
    constexpr std::array actions{std::pair{"create", "created"}, std::pair{"update", "updated"},
                                 std::pair{"set_state", "set to another state"}, std::pair{"destroy", "destroyed"}};
    const auto count = [&](ChangeStatus status, std::string_view action) {
        return std::count_if(report.changes.begin(), report.changes.end(), [&](const auto& result) {
            return result.status == status && (action.empty() || action == action_of(result.change.kind));
        });
    };
    std::string text;
    const auto add = [&](long number, const std::string& what) {
        if (number > 0) text += (text.empty() ? "" : ", ") + std::to_string(number) + ' ' + what;
    };
    for (const auto& [action, done] : actions) {
        add(count(ChangeStatus::planned, action), std::string("to ") + action);
        add(count(ChangeStatus::done, action), done);
    }
    add(count(ChangeStatus::failed, ""), "failed");
    add(count(ChangeStatus::skipped, ""), "skipped");
    add(count(ChangeStatus::superseded, ""), "superseded");
    add(count(ChangeStatus::rolled_back, ""), "rolled back");
    add(count(ChangeStatus::broken_off, ""), "broken off");
    for (const auto outcome : {Outcome::quarantined, Outcome::paused}) {
        add(static_cast<long>(lines_of(report, outcome).size()), std::string(to_string(outcome)));
    }
    std::set<std::string_view> held;
    for (const auto& entry : report.held) held.insert(entry.service);
    add(static_cast<long>(held.size()), "held");
    add(static_cast<long>(report.not_ready.size()), "not ready");
    add(static_cast<long>(report.left.destroy_disabled + report.left.max_destroy), "no longer wanted but left");
    add(static_cast<long>(report.left.protected_units), "protected");
    add(static_cast<long>(report.left.altered), "altered by the target");
    return text.empty() ? (report.error ? "nothing changed" : "nothing to change") : text;
}

}  // namespace deployer
