#include "protocol.hpp"

#include <json_object.hpp>
#include <json_text.hpp>
#include <unit_json.hpp>

#include <deployer/foreign_text.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace deployer::exec {
namespace {

using json::append_member;
using json::append_text;
using json::Fields;
using Poco::Dynamic::Var;
using std::chrono::milliseconds;

// --- writing

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
    if (find_invalid_utf8(line)) throw Breach("wrote a line that is not UTF-8: " + quote(line));
    try {
        return Poco::JSON::Parser(new StrictHandler(stop)).parse(line);
    } catch (const Poco::Exception&) {
        throw Breach("wrote a line that is not JSON: " + quote(line));
    }
}

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

bool read_can_set_state(const Fields& fields) {
    if (!fields.has("methods")) return true;
    const auto methods = fields.texts("methods");
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

ActualUnit read_unit(const Fields& fields) {
    return {json::read_unit(fields, {}), printable(fields.find_text("currentState").value_or(""))};
}

/// Where each answer has both keys, the one that does not apply is null.
bool is_error(const Fields& fields) {
    if (!fields.has_more_than_null("error")) return false;
    if (fields.has_more_than_null("result")) throw Breach("wrote a line with both a result and an error");
    return true;
}

Message read_message(const Fields& fields, const std::string& line) {
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
    throw Breach("wrote a line that is neither an answer nor another known message: " + quote(line));
}

UnitStatus read_status(const Fields& fields) {
    constexpr auto words = std::to_array<std::pair<std::string_view, Readiness>>({{"waiting", Readiness::waiting},
                                                                                  {"ready", Readiness::ready},
                                                                                  {"failed", Readiness::failed},
                                                                                  {"absent", Readiness::absent},
                                                                                  {"unplaced", Readiness::unplaced},
                                                                                  {"pending", Readiness::pending}});
    const auto word = fields.text("readiness");
    const auto* const found =
        std::find_if(words.begin(), words.end(), [&](const auto& pair) { return pair.first == word; });
    if (found == words.end()) fields.refuse("readiness", "is " + quote(word) + ", which is no readiness");
    return {found->second, printable(fields.find_text("detail").value_or(""))};
}

/// A value that is missing or of another type is a breach of the protocol.
template <class Read>
auto understood(const Read& read) {
    try {
        return read();
    } catch (const json::Mistake& mistake) {
        throw Breach("wrote a line in which " + mistake.place() + ' ' + mistake.problem());
    }
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
    std::string params = "{\"unit\":";
    json::append_unit(params, unit);
    return params += '}';
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
    return understood([&] { return read_message(Fields(parse(line, stop)), line); });
}

std::vector<ActualUnit> read_listing(const Var& result) {
    auto units = understood([&] { return Fields(result, "result.").objects("units", read_unit); });
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
    return understood([&] { return read_status(Fields(result, "result.")); });
}

}  // namespace deployer::exec
