#include "memory/records.hpp"

#include "events/group_json.hpp"
#include "memory/documents.hpp"
#include "memory/standing_orders.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace deployer {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

std::string shown_service(const std::string& service) {
    return service.empty() ? "all services" : service;
}

std::vector<RolloutRecord> quarantined(const Records& records) {
    std::vector<RolloutRecord> found;
    std::copy_if(records.ledger.rollouts.begin(), records.ledger.rollouts.end(), std::back_inserter(found),
                 [&](const auto& record) { return is_quarantined(record, records.orders); });
    return found;
}

std::string write_status_json(const Records& records) {
    Array quarantines;
    for (const auto& record : quarantined(records)) {
        auto object = json::ordered_object();
        object.set("service", printable(record.service));
        object.set("since", record.quarantine->since);
        object.set("outcome", std::string(to_string(record.quarantine->outcome)));
        object.set("reason", printable(record.quarantine->reason));
        quarantines.add(object);
    }
    Array paused;
    for (const auto& [service, pause] : records.orders.paused) {
        auto object = json::ordered_object();
        object.set("service", printable(service));
        object.set("since", pause.since);
        object.set("reason", printable(pause.reason));
        paused.add(object);
    }
    Array unproven;
    for (const auto& unit : records.ledger.unproven) unproven.add(printable(unit));
    Array not_running;
    for (const auto& entry : records.ledger.not_running) {
        auto object = json::ordered_object();
        object.set("unit", printable(entry.unit));
        object.set("detail", printable(entry.detail));
        not_running.add(object);
    }
    auto root = json::ordered_object();
    root.set("applied", printable(records.ledger.applied.id));
    root.set("attempted", printable(records.ledger.attempted.id));
    root.set("quarantined", quarantines);
    root.set("paused", paused);
    root.set("not_seen_ready", unproven);
    root.set("not_running", not_running);
    return json::document_text(root);
}

std::string write_status_text(const Records& records) {
    const auto& ledger = records.ledger;
    std::string text;
    const auto line = [&](const std::string& word, const std::string& rest) {
        constexpr std::size_t width = 13;
        text += word + std::string(width - std::min(width, word.size()), ' ') + printable(rest) + '\n';
    };
    const auto shown = [](const Revision& revision) { return revision.empty() ? std::string("none") : revision.id; };
    line("applied", shown(ledger.applied));
    if (ledger.attempted != ledger.applied) line("attempted", shown(ledger.attempted));
    if (!ledger.history.empty()) {
        const auto& last = ledger.history.back();
        line("last change", last.time + "  " + last.result + ": " + last.summary);
    }
    for (const auto& record : quarantined(records)) {
        line("quarantined", record.service + ": " + describe(record) + "; " + advice_for(record.service));
    }
    for (const auto& [service, pause] : records.orders.paused) {
        line("paused", shown_service(service) + ": " + describe(pause));
    }
    for (const auto& unit : ledger.unproven) line("not ready", unit + " was changed and was not seen ready since");
    for (const auto& entry : ledger.not_running) line("not ready", entry.text());
    return text;
}

Object write_entry(const HistoryEntry& entry) {
    auto object = json::ordered_object();
    object.set("time", entry.time);
    object.set("revision", printable(entry.revision.id));
    object.set("result", entry.result);
    object.set("summary", printable(entry.summary));
    object.set("groups", write_groups(entry.groups));
    return object;
}

}  // namespace

Ledger load_ledger(Cache& cache, const std::string& identity, const Calls& calls) {
    const auto document = cache.load(document_key(ledger_document, identity), calls.make());
    return document ? read_ledger(*document).value_or(Ledger{}) : Ledger{};
}

Orders load_orders(Cache& cache, const std::string& identity, const Calls& calls) {
    const auto document = cache.load(document_key(orders_document, identity), calls.make());
    return document ? read_orders(*document).value_or(Orders{}) : Orders{};
}

Records load_records(Cache& cache, const Target& target, const Calls& calls) {
    const auto identity = target.identity();
    const auto snapshot = cache.load(document_key(snapshot_document, identity), calls.make());
    Records records{load_ledger(cache, identity, calls), load_orders(cache, identity, calls)};
    if (const auto actual = snapshot ? read_snapshot(*snapshot, identity) : std::nullopt) {
        for (const auto& unit : actual->units) records.services.emplace(service_name(unit.name));
    }
    return records;
}

void change_orders(const std::function<void(Orders&)>& change, Cache& cache, const Target& target, const Calls& calls) {
    // Longer than another command needs between reading the orders and writing them.
    constexpr std::chrono::milliseconds moment{40};
    constexpr int attempts = 50;
    const auto identity = target.identity();
    for (int attempt = 0; attempt < attempts; ++attempt) {
        auto orders = load_orders(cache, identity, calls);
        const auto before = orders;
        change(orders);
        // The order is still there after a moment. Commands that had read the orders before it have written by now.
        if (orders == before && attempt > 0) return;
        cache.leave(document_key(orders_document, identity), write_orders(orders), calls.make());
        if (!calls.make().wait(moment)) break;
    }
    throw Error(ErrorKind::unavailable,
                "cannot make sure that the order stays: others keep changing the orders, or this command was stopped; "
                "try again");
}

std::map<std::string, std::string, std::less<>> retries_for(const Records& records, const std::string& service) {
    std::map<std::string, std::string, std::less<>> retries;
    std::string others;
    for (const auto& record : quarantined(records)) {
        if (service.empty() || record.service == service) retries.emplace(record.service, record.quarantine->id);
        others += (others.empty() ? "" : ", ") + record.service;
    }
    if (!retries.empty()) return retries;
    if (service.empty()) throw Error(ErrorKind::not_found, "no service is quarantined");
    throw Error(ErrorKind::not_found, quote(service) + " is not quarantined; " +
                                          (others.empty() ? "no service is" : "quarantined services: " + others));
}

std::string write_status(const Records& records, bool json) {
    return json ? write_status_json(records) : write_status_text(records);
}

std::string write_history(const Ledger& ledger, bool json) {
    Array array;
    std::string text;
    auto latest_first = ledger.history;
    std::reverse(latest_first.begin(), latest_first.end());
    for (const auto& entry : latest_first) {
        array.add(write_entry(entry));
        text += entry.time + "  " + printable(entry.revision.id) + "  " + entry.result + ": " +
                printable(entry.summary) + '\n';
        for (const auto& group : entry.groups) {
            text += "    " + printable(shown_service(group.service)) + "  " + std::string(to_string(group.outcome)) +
                    (group.detail.empty() ? "" : ": " + printable(group.detail)) + '\n';
        }
    }
    if (json) return json::document_text(array);
    return text.empty() ? "no cycle has changed anything yet\n" : text;
}

}  // namespace deployer
