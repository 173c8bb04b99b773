#include "memory/orders.hpp"

#include <json_object.hpp>

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
    const json::Fields root(parser.parse(std::string(document)));
    if (root.count("format") != orders_format) return std::nullopt;
    Orders orders;
    root.each("paused", [&](const json::Fields& entry) {
        orders.paused[entry.text("service")] = {entry.text("since"), entry.text("reason")};
    });
    root.each("retries", [&](const json::Fields& entry) {
        // Orders of an older format name a time instead of a quarantine, so they end none.
        if (!entry.has("time")) orders.retries[entry.text("service")] = entry.text("quarantine");
    });
    return orders;
} catch (const Poco::Exception&) {
    return std::nullopt;
}

}  // namespace deployer
