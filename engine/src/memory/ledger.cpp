#include "memory/ledger.hpp"

#include "actual/unit_list.hpp"

#include <deployer/unit_name.hpp>

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace deployer {
namespace {

using json::Fields;
using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr int ledger_format = 2;

Array write_texts(const std::vector<std::string>& texts) {
    Array array;
    for (const auto& text : texts) array.add(text);
    return array;
}

Object write_entry(const HistoryEntry& outcome) {
    Object object;
    object.set("time", outcome.time);
    object.set("revision", outcome.revision.id);
    object.set("result", outcome.result);
    object.set("summary", outcome.summary);
    Array groups;
    for (const auto& group : outcome.groups) {
        Object entry;
        entry.set("service", group.service);
        entry.set("outcome", std::string(to_string(group.outcome)));
        entry.set("detail", group.detail);
        groups.add(entry);
    }
    object.set("groups", groups);
    return object;
}

Outcome read_outcome(const Fields& fields) {
    const auto outcome = outcome_from(fields.text("outcome"));
    if (!outcome) fields.refuse("outcome", "is no outcome");
    return *outcome;
}

HistoryEntry read_entry(const Fields& fields) {
    HistoryEntry entry{fields.text("time"), {fields.text("revision")}, fields.text("result"), fields.text("summary")};
    entry.groups = fields.objects("groups", [](const Fields& group) {
        return GroupOutcome{group.text("service"), read_outcome(group), group.text("detail")};
    });
    return entry;
}

Object write_rollout(const RolloutRecord& record) {
    Object object;
    object.set("service", record.service);
    object.set("digest", record.digest);
    object.set("fresh", record.fresh);
    Object former;
    write_units(record.former, former);
    object.set("former", former);
    if (record.quarantine) {
        Object quarantine;
        quarantine.set("since", record.quarantine->since);
        quarantine.set("outcome", std::string(to_string(record.quarantine->outcome)));
        quarantine.set("reason", record.quarantine->reason);
        quarantine.set("id", record.quarantine->id);
        object.set("quarantine", quarantine);
    }
    return object;
}

RolloutRecord read_rollout(const Fields& fields) {
    RolloutRecord record{fields.text("service"), fields.text("digest"), read_units(fields.object("former"))};
    record.fresh = fields.flag("fresh");
    if (fields.has("quarantine")) {
        const auto quarantine = fields.object("quarantine");
        record.quarantine = {quarantine.text("since"), read_outcome(quarantine), quarantine.text("reason"),
                             // Ledgers written before quarantines had an id: `since` serves as the id.
                             quarantine.text(quarantine.has("id") ? "id" : "since")};
    }
    return record;
}

LeftAlone read_left(const Fields& fields) {
    const auto units = [&](const char* key) { return static_cast<std::size_t>(fields.count(key)); };
    return {units("destroy_disabled"), units("max_destroy"), units("disputed"), units("protected"),
            static_cast<std::size_t>(fields.find_count("altered").value_or(0))};
}

Ledger read_fields(const Fields& root) {
    Ledger ledger{{root.text("attempted")}, {root.text("applied")}, root.text("fingerprint"), {}, {}, {}, {}, {}};
    ledger.notes = root.texts("notes");
    for (const auto& unit : root.texts("unproven")) ledger.add_unproven(unit);
    ledger.left = read_left(root.object("left"));
    root.each("history", [&](const Fields& entry) { ledger.add(read_entry(entry)); });
    root.each("rollouts", [&](const Fields& entry) {
        auto record = read_rollout(entry);
        ledger.rollout_of(record.service) = record;
    });
    if (root.has("made")) {
        ledger.made = root.objects("made", [](const Fields& entry) {
            return MadeChange{entry.text("unit"), entry.text("signature"),
                              static_cast<std::size_t>(entry.count("times"))};
        });
    }
    if (root.has("changed_at")) ledger.changed_at = root.text("changed_at");
    if (root.has("not_running")) {
        ledger.not_running = root.objects("not_running", [](const Fields& entry) {
            return NotReady{entry.text("unit"), entry.text("detail"), false};
        });
    }
    return ledger;
}

}  // namespace

bool operator==(const RolloutRecord& left, const RolloutRecord& right) {
    const auto same_unit = [](const DeployedUnit& one, const DeployedUnit& other) {
        return one.name == other.name && one.content->options == other.content->options &&
               one.desired_state == other.desired_state;
    };
    return left.service == right.service && left.digest == right.digest && left.quarantine == right.quarantine &&
           left.fresh == right.fresh &&
           std::equal(left.former.begin(), left.former.end(), right.former.begin(), right.former.end(), same_unit);
}

RolloutRecord* Ledger::find_rollout(std::string_view service) {
    const auto found =
        std::find_if(rollouts.begin(), rollouts.end(), [&](const auto& record) { return record.service == service; });
    return found == rollouts.end() ? nullptr : &*found;
}

RolloutRecord& Ledger::rollout_of(const std::string& service) {
    if (auto* const known = find_rollout(service)) return *known;
    const auto place = std::find_if(rollouts.begin(), rollouts.end(),
                                    [&](const auto& record) { return numeric_less(service, record.service); });
    return *rollouts.insert(place, {service, {}, {}});
}

void Ledger::add_unproven(const std::string& unit) {
    const auto place = std::lower_bound(unproven.begin(), unproven.end(), unit);
    if (place == unproven.end() || *place != unit) unproven.insert(place, unit);
}

bool Ledger::is_unproven(const std::string& unit) const {
    return std::binary_search(unproven.begin(), unproven.end(), unit);
}

void Ledger::keep_unproven(const std::set<std::string>& units) {
    std::erase_if(unproven, [&](const auto& unit) { return units.count(unit) == 0; });
}

void Ledger::forget_made(const Plan& plan) {
    std::erase_if(made, [&](const auto& known) {
        const bool is_altered = std::find(plan.altered.begin(), plan.altered.end(), known.unit) != plan.altered.end();
        return !is_altered && std::none_of(plan.changes.begin(), plan.changes.end(), [&](const auto& change) {
            return change.unit == known.unit && signature_of(change) == known.signature;
        });
    });
}

void Ledger::note_made(const Plan& plan, const std::vector<ChangeResult>& results) {
    const auto find = [&](const std::string& unit) {
        const auto found =
            std::find_if(made.begin(), made.end(), [&](const auto& known) { return known.unit == unit; });
        return found == made.end() ? nullptr : &*found;
    };
    std::vector<MadeChange> now;
    for (const auto& unit : plan.altered) {
        if (const auto* const known = find(unit)) now.push_back(*known);
    }
    for (const auto& result : results) {
        const auto& change = result.change;
        // A unit that was put back differs from the wanted content because of the deployer, not of the target.
        if (is_create(change.kind) || is_destroy(change.kind) || result.status == ChangeStatus::rolled_back) continue;
        const auto* const known = find(change.unit);
        const auto signature = signature_of(change);
        const auto before = known != nullptr && known->signature == signature ? known->times : 0;
        const auto times = before + (result.is_made ? 1 : 0);
        if (times > 0) now.push_back({change.unit, signature, times});
    }
    made = std::move(now);
}

void Ledger::add(HistoryEntry entry) {
    const auto says_the_same = [&](const HistoryEntry& last) {
        return last.revision == entry.revision && last.result == entry.result && last.summary == entry.summary &&
               last.groups == entry.groups;
    };
    if (!history.empty() && says_the_same(history.back())) return;
    history.push_back(std::move(entry));
    if (history.size() > history_limit) history.erase(history.begin());
}

std::string write_ledger(const Ledger& ledger) {
    Object left;
    left.set("destroy_disabled", ledger.left.destroy_disabled);
    left.set("max_destroy", ledger.left.max_destroy);
    left.set("disputed", ledger.left.disputed);
    left.set("protected", ledger.left.protected_units);
    left.set("altered", ledger.left.altered);
    Array history;
    for (const auto& outcome : ledger.history) history.add(write_entry(outcome));
    Object root;
    root.set("format", ledger_format);
    root.set("attempted", ledger.attempted.id);
    root.set("applied", ledger.applied.id);
    root.set("fingerprint", ledger.fingerprint);
    root.set("left", left);
    root.set("notes", write_texts(ledger.notes));
    root.set("unproven", write_texts(ledger.unproven));
    Array rollouts;
    for (const auto& record : ledger.rollouts) rollouts.add(write_rollout(record));
    root.set("rollouts", rollouts);
    root.set("history", history);
    Array made;
    for (const auto& change : ledger.made) {
        Object entry;
        entry.set("unit", change.unit);
        entry.set("signature", change.signature);
        entry.set("times", change.times);
        made.add(entry);
    }
    root.set("made", made);
    root.set("changed_at", ledger.changed_at);
    Array not_running;
    for (const auto& unit : ledger.not_running) {
        Object entry;
        entry.set("unit", unit.unit);
        entry.set("detail", unit.detail);
        not_running.add(entry);
    }
    root.set("not_running", not_running);
    std::ostringstream out;
    root.stringify(out);
    return std::move(out).str();
}

std::optional<Ledger> read_ledger(std::string_view document) try {
    Poco::JSON::Parser parser;
    const Fields root(parser.parse(std::string(document)));
    if (root.count("format") != ledger_format) return std::nullopt;
    return read_fields(root);
} catch (const Poco::Exception&) {
    return std::nullopt;
}

}  // namespace deployer
