#include "ledger.hpp"

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

constexpr int ledger_format = 1;

std::string text_of(const Object& object, const std::string& key) {
    const auto value = object.get(key);
    if (!value.isString()) throw Poco::DataFormatException(key);
    return value.extract<std::string>();
}

Object write_outcome(const Outcome& outcome) {
    Object object;
    object.set("time", outcome.time);
    object.set("revision", outcome.revision.id);
    object.set("result", outcome.result);
    object.set("summary", outcome.summary);
    return object;
}

Ledger read_fields(const Object& root) {
    Ledger ledger{{text_of(root, "attempted")}, {text_of(root, "applied")}, text_of(root, "fingerprint"), {}, {}};
    const auto left = root.getObject("left");
    const auto history = root.getArray("history");
    if (!left || !history) throw Poco::DataFormatException("ledger");
    ledger.left = {left->getValue<std::size_t>("destroy_disabled"), left->getValue<std::size_t>("max_destroy"),
                   left->getValue<std::size_t>("disputed"), left->getValue<std::size_t>("protected")};
    for (unsigned i = 0; i < history->size(); ++i) {
        const auto entry = history->getObject(i);
        if (!entry) throw Poco::DataFormatException("history");
        ledger.add({text_of(*entry, "time"),
                    {text_of(*entry, "revision")},
                    text_of(*entry, "result"),
                    text_of(*entry, "summary")});
    }
    return ledger;
}

}  // namespace

void Ledger::add(Outcome outcome) {
    history.push_back(std::move(outcome));
    if (history.size() > history_limit) history.erase(history.begin());
}

std::string write_ledger(const Ledger& ledger) {
    Object left;
    left.set("destroy_disabled", ledger.left.destroy_disabled);
    left.set("max_destroy", ledger.left.max_destroy);
    left.set("disputed", ledger.left.disputed);
    left.set("protected", ledger.left.protected_units);
    Array history;
    for (const auto& outcome : ledger.history) history.add(write_outcome(outcome));
    Object root;
    root.set("format", ledger_format);
    root.set("attempted", ledger.attempted.id);
    root.set("applied", ledger.applied.id);
    root.set("fingerprint", ledger.fingerprint);
    root.set("left", left);
    root.set("history", history);
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
