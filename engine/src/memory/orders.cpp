#include "memory/orders.hpp"

#include "text/json_fields.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <sstream>
#include <utility>

namespace deployer {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr int orders_format = 1;

}  // namespace

std::string write_orders(const Orders& orders) {
    Array paused;
    for (const auto& [service, pause] : orders.paused) {
        Object entry;
        entry.set("service", service);
        entry.set("since", pause.since);
        entry.set("reason", pause.reason);
        paused.add(entry);
    }
    Array retries;
    for (const auto& [service, quarantine] : orders.retries) {
        Object entry;
        entry.set("service", service);
        entry.set("quarantine", quarantine);
        retries.add(entry);
    }
    Object root;
    root.set("format", orders_format);
    root.set("paused", paused);
    root.set("retries", retries);
    std::ostringstream out;
    root.stringify(out);
    return std::move(out).str();
}

std::optional<Orders> read_orders(std::string_view document) try {
    Poco::JSON::Parser parser;
    const auto root = parser.parse(std::string(document)).extract<Object::Ptr>();
    if (root->getValue<int>("format") != orders_format) return std::nullopt;
    Orders orders;
    const auto paused = array_of(*root, "paused");
    for (std::size_t i = 0; i < paused->size(); ++i) {
        const auto entry = object_at(*paused, i);
        orders.paused[text_of(*entry, "service")] = {text_of(*entry, "since"), text_of(*entry, "reason")};
    }
    const auto retries = array_of(*root, "retries");
    for (std::size_t i = 0; i < retries->size(); ++i) {
        const auto entry = object_at(*retries, i);
        // Orders of an older format name a time instead of a quarantine, so they end none.
        if (entry->has("time")) continue;
        orders.retries[text_of(*entry, "service")] = text_of(*entry, "quarantine");
    }
    return orders;
} catch (const Poco::Exception&) {
    return std::nullopt;
}

}  // namespace deployer
