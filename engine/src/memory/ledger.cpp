#include "memory/ledger.hpp"

#include "actual/unit_list.hpp"
#include "text/json_fields.hpp"

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

using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr int ledger_format = 2;

Array write_texts(const std::vector<std::string>& texts) {
    Array array;
    for (const auto& text : texts) array.add(text);
    return array;
}

std::vector<std::string> read_texts(const Object& root, const std::string& key) {
    const auto array = array_of(root, key);
    std::vector<std::string> texts;
    texts.reserve(array->size());
    for (std::size_t i = 0; i < array->size(); ++i)
        texts.push_back(array->getElement<std::string>(static_cast<unsigned>(i)));
    return texts;
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

Outcome read_outcome(const Object& object) {
    const auto outcome = outcome_from(text_of(object, "outcome"));
    if (!outcome) throw Poco::DataFormatException("outcome");
    return *outcome;
}

HistoryEntry read_entry(const Object& object) {
    HistoryEntry entry{
        text_of(object, "time"), {text_of(object, "revision")}, text_of(object, "result"), text_of(object, "summary")};
    const auto groups = array_of(object, "groups");
    for (std::size_t i = 0; i < groups->size(); ++i) {
        const auto group = object_at(*groups, i);
        entry.groups.push_back({text_of(*group, "service"), read_outcome(*group), text_of(*group, "detail")});
    }
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

RolloutRecord read_rollout(const Object& object) {
    const auto former = object.getObject("former");
    if (!former) throw Poco::DataFormatException("former");
    RolloutRecord record{text_of(object, "service"), text_of(object, "digest"), read_units(*former)};
    record.fresh = object.getValue<bool>("fresh");
    if (object.has("quarantine")) {
        const auto quarantine = object.getObject("quarantine");
        if (!quarantine) throw Poco::DataFormatException("quarantine");
        record.quarantine = {text_of(*quarantine, "since"), read_outcome(*quarantine), text_of(*quarantine, "reason"),
                             // Ledgers written before quarantines had an id: `since` serves as the id.
                             text_of(*quarantine, quarantine->has("id") ? "id" : "since")};
    }
    return record;
}

void read_made(const Object& root, Ledger& ledger) {
    if (!root.has("made")) return;
    const auto array = array_of(root, "made");
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto entry = object_at(*array, i);
        ledger.made.push_back(
            {text_of(*entry, "unit"), text_of(*entry, "signature"), entry->getValue<std::size_t>("times")});
    }
}

void read_not_running(const Object& root, Ledger& ledger) {
    if (!root.has("not_running")) return;
    const auto array = array_of(root, "not_running");
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto entry = object_at(*array, i);
        ledger.not_running.push_back({text_of(*entry, "unit"), text_of(*entry, "detail"), false});
    }
}

Ledger read_fields(const Object& root) {
    Ledger ledger{
        {text_of(root, "attempted")}, {text_of(root, "applied")}, text_of(root, "fingerprint"), {}, {}, {}, {}, {}};
    ledger.notes = read_texts(root, "notes");
    for (const auto& unit : read_texts(root, "unproven")) ledger.add_unproven(unit);
    const auto left = root.getObject("left");
    if (!left) throw Poco::DataFormatException("left");
    ledger.left = {left->getValue<std::size_t>("destroy_disabled"), left->getValue<std::size_t>("max_destroy"),
                   left->getValue<std::size_t>("disputed"), left->getValue<std::size_t>("protected"),
                   left->optValue<std::size_t>("altered", 0)};
    const auto history = array_of(root, "history");
    for (std::size_t i = 0; i < history->size(); ++i) {
        ledger.add(read_entry(*object_at(*history, i)));
    }
    const auto rollouts = array_of(root, "rollouts");
    for (std::size_t i = 0; i < rollouts->size(); ++i) {
        auto record = read_rollout(*object_at(*rollouts, i));
        ledger.rollout_of(record.service) = record;
    }
    read_made(root, ledger);
    if (root.has("changed_at")) ledger.changed_at = text_of(root, "changed_at");
    read_not_running(root, ledger);
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
    const auto root = parser.parse(std::string(document)).extract<Object::Ptr>();
    if (root->getValue<int>("format") != ledger_format) return std::nullopt;
    return read_fields(*root);
} catch (const Poco::Exception&) {
    return std::nullopt;
}

}  // namespace deployer
