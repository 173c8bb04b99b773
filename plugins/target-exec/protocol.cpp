#include "protocol.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSONString.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace deployer::exec {
namespace {

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;
using std::chrono::milliseconds;

// --- writing

void append_text(std::string& out, std::string_view text) {
    out += Poco::toJSON(std::string(text));
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
    out.append(1, '"').append(key).append("\":");
    append_text(out, text);
}

void append_option(std::string& out, const UnitOption& option) {
    out += '{';
    append_member(out, "section", option.section);
    out += ',';
    append_member(out, "name", option.name);
    out += ',';
    append_member(out, "value", option.value);
    out += '}';
}

/// `append(item, index)` for each, with commas between.
template <class Items, class Append>
void append_each(std::string& out, const Items& items, const Append& append) {
    for (std::size_t index = 0; index < items.size(); ++index) {
        if (index > 0) out += ',';
        append(items[index], index);
    }
}

void append_tree(std::string& out, const SettingsNode& node) {
    switch (node.kind) {
        case SettingsNode::Kind::null:
            out += "null";
            return;
        case SettingsNode::Kind::scalar:
            append_text(out, node.text);
            return;
        case SettingsNode::Kind::list:
            out += '[';
            append_each(out, node.items, [&](const SettingsNode& item, std::size_t) { append_tree(out, item); });
            out += ']';
            return;
        case SettingsNode::Kind::block:
            out += '{';
            append_each(out, node.items, [&](const SettingsNode& item, std::size_t index) {
                append_text(out, node.keys[index]);
                out += ':';
                append_tree(out, item);
            });
            out += '}';
            return;
    }
}

// --- reading

/// A listing of 10,000 units has a third of it. An empty object takes 3 bytes of a line, but some 900 of memory.
constexpr std::size_t most_values = 1'000'000;

/// Poco's own, but strict: Poco lets the last of equal keys win, so that half a listing could be lost unnoticed. And
/// what a line comes to in memory has a limit.
class StrictHandler final : public Poco::JSON::ParseHandler {
public:
    explicit StrictHandler(std::stop_token stop) : stop_(std::move(stop)) {}

    void startObject() override {
        count();
        keys_.emplace_back();
        ParseHandler::startObject();
    }
    void endObject() override {
        keys_.pop_back();
        ParseHandler::endObject();
    }
    void startArray() override {
        count();
        ParseHandler::startArray();
    }
    void null() override {
        count();
        ParseHandler::null();
    }
    void value(int value) override { take(value); }
    void value(unsigned value) override { take(value); }
    void value(Poco::Int64 value) override { take(value); }
    void value(Poco::UInt64 value) override { take(value); }
    void value(const std::string& value) override { take(value); }
    void value(double value) override { take(value); }
    void value(bool value) override { take(value); }
    void key(const std::string& name) override {
        if (!keys_.back().insert(name).second) throw Breach("wrote the key " + quote(name) + " twice in one object");
        ParseHandler::key(name);
    }

private:
    void count() {
        if (++values_ > most_values) {
            throw Breach("wrote a line of more than " + std::to_string(most_values) + " values");
        }
        if (stop_.stop_requested()) throw Breach("wrote a line that nobody waits for any more");
    }
    template <class Value>
    void take(const Value& value) {
        count();
        ParseHandler::value(value);
    }

    std::stop_token stop_;
    std::size_t values_ = 0;
    std::vector<std::set<std::string>> keys_;
};

Var parse(const std::string& line, const std::stop_token& stop) {
    if (find_invalid_utf8(line)) throw Breach("wrote what is not UTF-8: " + quote(line));
    try {
        return Poco::JSON::Parser(new StrictHandler(stop)).parse(line);
    } catch (const Poco::Exception&) {
        throw Breach("wrote what is no JSON: " + quote(line));
    }
}

/// One object of what a program wrote, which messages call by `where`, "units[3].".
class Fields {
public:
    Fields(const Var& value, std::string where) : where_(std::move(where)) {
        if (value.type() != typeid(Object::Ptr)) refuse("", "is no object");
        object_ = value.extract<Object::Ptr>();
    }

    [[nodiscard]] bool has(const std::string& key) const { return object_->has(key); }
    [[nodiscard]] bool has_more_than_null(const std::string& key) const { return has(key) && !object_->isNull(key); }
    [[nodiscard]] Var value(const std::string& key) const { return object_->get(key); }

    [[nodiscard]] std::optional<std::string> find_text(const std::string& key) const {
        if (!has(key)) return std::nullopt;
        const auto found = value(key);
        if (found.type() != typeid(std::string)) refuse(key, "is no text");
        return found.extract<std::string>();
    }
    [[nodiscard]] std::string text(const std::string& key) const {
        auto found = find_text(key);
        if (!found) refuse(key, "is missing");
        return *std::move(found);
    }
    [[nodiscard]] std::optional<std::uint64_t> find_count(const std::string& key) const {
        if (!has(key)) return std::nullopt;
        const auto found = value(key);
        // To Poco a boolean is an integer, too.
        if (!found.isInteger() || found.isBoolean()) refuse(key, "is no whole number");
        try {
            return found.convert<Poco::UInt64>();
        } catch (const Poco::Exception&) {
            refuse(key, "is no whole number from 0");
        }
    }
    [[nodiscard]] Fields object(const std::string& key) const { return {value(key), where_ + key + '.'}; }

    /// `read(item, where)` for each item of the array.
    template <class Item, class Read>
    [[nodiscard]] std::vector<Item> read_each(const std::string& key, const Read& read) const {
        if (!has(key)) refuse(key, "is missing");
        const auto found = value(key);
        if (found.type() != typeid(Array::Ptr)) refuse(key, "is no array");
        const auto& array = found.extract<Array::Ptr>();
        std::vector<Item> items;
        items.reserve(array->size());
        for (std::size_t index = 0; index < array->size(); ++index) {
            items.push_back(
                read(array->get(static_cast<unsigned>(index)), where_ + key + '[' + std::to_string(index) + ']'));
        }
        return items;
    }

    [[noreturn]] void refuse(std::string_view key, std::string_view problem) const {
        auto place = where_ + std::string(key);
        if (place.ends_with('.')) place.pop_back();
        throw Breach("wrote a line in which " + (place.empty() ? "the whole" : place) + ' ' + std::string(problem));
    }

private:
    std::string where_;
    Object::Ptr object_;
};

LogLevel level_from(std::string_view word) {
    for (const auto level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
        if (to_string(level) == word) return level;
    }
    return LogLevel::info;
}

ErrorKind kind_from(std::string_view word) {
    for (const auto kind : {ErrorKind::unavailable, ErrorKind::rejected, ErrorKind::not_found, ErrorKind::misconfigured,
                            ErrorKind::cancelled}) {
        if (to_string(kind) == word) return kind;
    }
    return ErrorKind::internal;
}

/// `concurrent` is true, false or a number.
std::size_t read_concurrent(const Fields& fields) {
    if (!fields.has("concurrent")) return 1;
    const auto value = fields.value("concurrent");
    if (value.isBoolean()) return value.convert<bool>() ? 0 : 1;
    const auto count = fields.find_count("concurrent");
    if (*count == 0) fields.refuse("concurrent", "is 0");
    return static_cast<std::size_t>(*count);
}

std::string read_word(const Var& value, const std::string& where) {
    if (value.type() != typeid(std::string)) throw Breach("wrote a line in which " + where + " is no text");
    return value.extract<std::string>();
}

bool read_can_set_state(const Fields& fields) {
    if (!fields.has("methods")) return true;
    const auto methods = fields.read_each<std::string>("methods", read_word);
    const auto has = [&](std::string_view method) {
        return std::find(methods.begin(), methods.end(), method) != methods.end();
    };
    for (const auto method : std::to_array<std::string_view>({"list", "apply", "destroy", "status"})) {
        if (!has(method)) fields.refuse("methods", "lacks " + quote(method));
    }
    return has("set_desired_state");
}

Hello read_hello(const Fields& fields) {
    Hello hello;
    hello.program = fields.text("hello");
    const auto protocol = fields.find_count("protocol");
    if (!protocol) fields.refuse("protocol", "is missing");
    hello.protocol = *protocol;
    // The rest of it may mean anything in another version.
    if (hello.protocol != protocol_version) return hello;
    hello.identity = fields.find_text("identity");
    if (hello.identity && hello.identity->empty()) fields.refuse("identity", "is empty");
    hello.concurrent = read_concurrent(fields);
    hello.can_set_state = read_can_set_state(fields);
    return hello;
}

Refusal read_refusal(const Fields& fields) {
    constexpr std::size_t longest = 1000;
    constexpr std::uint64_t longest_pause = 86'400'000;
    const auto error = fields.object("error");
    const auto kind = kind_from(error.text("kind"));
    auto message = printable(error.text("message").substr(0, longest));
    const auto pause = error.find_count("retry_after_ms");
    const Error plain(kind, message.empty() ? "an error without a message" : message);
    return {fields.find_count("id"),
            pause ? plain.with_retry_after(milliseconds(std::min(*pause, longest_pause))) : plain};
}

UnitOption read_option(const Var& value, const std::string& where) {
    const Fields fields(value, where + '.');
    return {fields.text("section"), fields.text("name"), fields.find_text("value").value_or("")};
}

ActualUnit read_unit(const Var& value, const std::string& where) {
    const Fields fields(value, where + '.');
    ActualUnit actual{{fields.text("name"), fields.read_each<UnitOption>("options", read_option)},
                      printable(fields.find_text("currentState").value_or(""))};
    const auto state = desired_state_from(fields.text("desiredState"));
    if (!state) fields.refuse("desiredState", "is none of inactive, loaded and launched");
    actual.unit.desired_state = *state;
    return actual;
}

/// Where each answer has both keys, the one that does not apply is null.
bool is_error(const Fields& fields) {
    if (!fields.has_more_than_null("error")) return false;
    if (fields.has_more_than_null("result")) throw Breach("wrote a line with both a result and an error");
    return true;
}

}  // namespace

std::string write_hello(std::string_view settings) {
    std::string line = R"({"hello":"coco-fleet-deployer","protocol":)" + std::to_string(protocol_version);
    return line.append(R"(,"settings":)").append(settings) += "}\n";
}

std::string write_settings(const std::optional<SettingsNode>& settings) {
    if (!settings) return "{}";
    std::string text;
    append_tree(text, *settings);
    return text;
}

std::string write_request(std::uint64_t call, std::string_view method, std::string_view params, milliseconds timeout) {
    std::string line = "{\"id\":" + std::to_string(call) + ',';
    append_member(line, "method", method);
    line.append(",\"params\":").append(params);
    return line += ",\"timeout_ms\":" + std::to_string(timeout.count()) + "}\n";
}

std::string write_cancel(std::uint64_t call) {
    return "{\"cancel\":" + std::to_string(call) + "}\n";
}

std::string write_unit_params(const Unit& unit) {
    std::string params = "{\"unit\":{";
    append_member(params, "name", unit.name);
    params += ",\"options\":[";
    append_each(params, unit.options, [&](const UnitOption& option, std::size_t) { append_option(params, option); });
    params += "],";
    append_member(params, "desiredState", to_string(unit.desired_state));
    return params += "}}";
}

std::string write_name_params(std::string_view unit) {
    std::string params = "{";
    append_member(params, "name", unit);
    return params += '}';
}

std::string write_state_params(std::string_view unit, DesiredState state) {
    std::string params = "{";
    append_member(params, "name", unit);
    params += ',';
    append_member(params, "desiredState", to_string(state));
    return params += '}';
}

Message read_message(const std::string& line, const std::stop_token& stop) {
    const Fields fields(parse(line, stop), "");
    // An answer first: among the keys of its own that are none of the deployer's business may be any of the others.
    if (fields.has("id") && (fields.has("result") || fields.has_more_than_null("error"))) {
        if (is_error(fields)) return read_refusal(fields);
        return Result{*fields.find_count("id"), std::make_unique<Var>(fields.value("result"))};
    }
    if (fields.has("log")) return Remark{level_from(fields.text("log")), fields.text("message")};
    if (fields.has_more_than_null("error")) {
        if (fields.has("hello")) throw Breach("wrote a line with both a hello and an error");
        return read_refusal(fields);
    }
    if (fields.has("hello")) return read_hello(fields);
    throw Breach("wrote neither an answer nor anything else known: " + quote(line));
}

std::vector<ActualUnit> read_listing(const Var& result) {
    auto units = Fields(result, "result.").read_each<ActualUnit>("units", read_unit);
    std::set<std::string_view> names;
    for (const auto& actual : units) {
        const auto& name = actual.unit.name;
        if (const auto problem = unit_name_problem(name)) {
            throw Error(ErrorKind::unavailable, "the listing has a unit " + quote(name) + ", whose name " + *problem);
        }
        if (!names.insert(name).second) {
            throw Error(ErrorKind::unavailable, "the listing has " + quote(name) + " twice");
        }
    }
    return units;
}

UnitStatus read_status(const Var& result) {
    constexpr auto words = std::to_array<std::pair<std::string_view, Readiness>>({{"waiting", Readiness::waiting},
                                                                                  {"ready", Readiness::ready},
                                                                                  {"failed", Readiness::failed},
                                                                                  {"absent", Readiness::absent},
                                                                                  {"unplaced", Readiness::unplaced},
                                                                                  {"pending", Readiness::pending}});
    const Fields fields(result, "result.");
    const auto word = fields.text("readiness");
    const auto* const found =
        std::find_if(words.begin(), words.end(), [&](const auto& pair) { return pair.first == word; });
    if (found == words.end()) fields.refuse("readiness", "is " + quote(word) + ", which is no readiness");
    return {found->second, printable(fields.find_text("detail").value_or(""))};
}

}  // namespace deployer::exec
