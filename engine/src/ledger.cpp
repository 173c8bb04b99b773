#include "ledger.hpp"

#include "json_fields.hpp"

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

Object write_outcome(const Outcome& outcome) {
    Object object;
    object.set("time", outcome.time);
    object.set("revision", outcome.revision.id);
    object.set("result", outcome.result);
    object.set("summary", outcome.summary);
    return object;
}

Ledger read_fields(const Object& root) {
    Ledger ledger{
        {text_of(root, "attempted")}, {text_of(root, "applied")}, text_of(root, "fingerprint"), {}, {}, {}, {}};
    ledger.notes = read_texts(root, "notes");
    for (const auto& unit : read_texts(root, "unproven")) ledger.add_unproven(unit);
    const auto left = root.getObject("left");
    if (!left) throw Poco::DataFormatException("left");
    ledger.left = {left->getValue<std::size_t>("destroy_disabled"), left->getValue<std::size_t>("max_destroy"),
                   left->getValue<std::size_t>("disputed"), left->getValue<std::size_t>("protected")};
    const auto history = array_of(root, "history");
    for (std::size_t i = 0; i < history->size(); ++i) {
        const auto entry = object_at(*history, i);
        ledger.add({text_of(*entry, "time"),
                    {text_of(*entry, "revision")},
                    text_of(*entry, "result"),
                    text_of(*entry, "summary")});
    }
    return ledger;
}

}  // namespace

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

void Ledger::add(Outcome outcome) {
    const auto says_the_same = [&](const Outcome& last) {
        return last.revision == outcome.revision && last.result == outcome.result && last.summary == outcome.summary;
    };
    if (!history.empty() && says_the_same(history.back())) return;
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
    root.set("notes", write_texts(ledger.notes));
    root.set("unproven", write_texts(ledger.unproven));
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
