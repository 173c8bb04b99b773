#include "cluster_json.hpp"

#include "json_tree.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>
#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::mock {
namespace {

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

[[noreturn]] void refuse(const std::string& where, std::string_view problem) {
    throw Error(ErrorKind::rejected, where + ": " + std::string(problem));
}

std::string item(const std::string& list, std::size_t index) {
    return list + "[" + std::to_string(index) + "]";
}

Object::Ptr as_object(const Var& value, const std::string& where) {
    if (value.type() != typeid(Object::Ptr)) refuse(where, "is no JSON object");
    return value.extract<Object::Ptr>();
}

Array::Ptr as_array(const Var& value, const std::string& where) {
    if (value.type() != typeid(Array::Ptr)) refuse(where, "is no JSON array");
    return value.extract<Array::Ptr>();
}

std::optional<std::string> find_text(const Object& object, const std::string& key, const std::string& where) {
    if (!object.has(key)) return std::nullopt;
    const auto value = object.get(key);
    if (value.type() != typeid(std::string)) refuse(where + "." + key, "is no text");
    return value.extract<std::string>();
}

std::string text(const Object& object, const std::string& key, const std::string& where) {
    auto found = find_text(object, key, where);
    if (!found) refuse(where + "." + key, "is missing");
    return *std::move(found);
}

Moment moment(const Object& object, const std::string& key, const std::string& where) {
    const auto written = text(object, key, where);
    const auto found = moment_from(written);
    if (!found) refuse(where + "." + key, quote(written) + " is no time such as 2026-01-31T12:00:00Z");
    return *found;
}

std::vector<UnitOption> read_options(const Var& value, const std::string& where) {
    const auto array = as_array(value, where);
    std::vector<UnitOption> options;
    options.reserve(array->size());
    for (std::size_t index = 0; index < array->size(); ++index) {
        const auto here = item(where, index);
        const auto object = as_object(array->get(static_cast<unsigned>(index)), here);
        // fleet leaves `value` out when it is empty.
        options.push_back({text(*object, "section", here), text(*object, "name", here),
                           find_text(*object, "value", here).value_or("")});
    }
    return options;
}

DesiredState read_desired_state(const Object& object, const std::string& where) {
    const auto word = find_text(object, "desiredState", where);
    if (!word) return DesiredState::launched;
    const auto state = desired_state_from(*word);
    if (!state) refuse(where + ".desiredState", quote(*word) + " is none of inactive, loaded and launched");
    return *state;
}

std::optional<Pending> read_pending(const Object& object, const std::string& where) {
    if (!object.has("pending")) return std::nullopt;
    const auto here = where + ".pending";
    const auto pending = as_object(object.get("pending"), here);
    return Pending{text(*pending, "state", here), moment(*pending, "at", here)};
}

SimulatedUnit read_unit(const Var& value, const std::string& where) {
    const auto object = as_object(value, where);
    SimulatedUnit simulated;
    auto& unit = simulated.unit;
    unit.name = text(*object, "name", where);
    if (const auto problem = unit_name_problem(unit.name)) refuse(where + ".name", *problem);
    if (!object->has("options")) refuse(where + ".options", "is missing");
    unit.options = read_options(object->get("options"), where + ".options");
    unit.desired_state = read_desired_state(*object, where);
    const std::string settled(to_string(unit.desired_state));
    simulated.current_state = find_text(*object, "currentState", where).value_or(settled);
    simulated.pending = read_pending(*object, where);
    return simulated;
}

void append_quoted(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '"' || character == '\\') {
            out += '\\';
            out += character;
        } else if (character == '\n') {
            out += "\\n";
        } else if (character == '\t') {
            out += "\\t";
        } else if (byte < 0x20) {
            out += "\\u00";
            out += digits[byte / 16];
            out += digits[byte % 16];
        } else {
            out += character;
        }
    }
    out += '"';
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
    append_quoted(out, key);
    out += ": ";
    append_quoted(out, value);
}

void append_options(std::string& out, const std::vector<UnitOption>& options) {
    std::string_view separator = "\n";
    for (const auto& option : options) {
        out += separator;
        out += "      {";
        append_member(out, "section", option.section);
        out += ", ";
        append_member(out, "name", option.name);
        out += ", ";
        append_member(out, "value", option.value);
        out += "}";
        separator = ",\n";
    }
}

void append_pending(std::string& out, const Pending& pending) {
    out += ",\n    \"pending\": {";
    append_member(out, "state", pending.state);
    out += ", ";
    append_member(out, "at", to_text(pending.at));
    out += "}";
}

}  // namespace

Cluster read_cluster(const std::string& text, const Call& call) {
    const auto document = read_json(text, call);
    if (document.type() != typeid(Object::Ptr)) throw Error(ErrorKind::rejected, "is no JSON object");
    const auto& root = document.extract<Object::Ptr>();
    if (!root->has("units")) refuse("units", "is missing");
    const auto units = as_array(root->get("units"), "units");
    Cluster cluster;
    for (std::size_t index = 0; index < units->size(); ++index) {
        call.check("reading the state file");
        const auto where = item("units", index);
        auto unit = read_unit(units->get(static_cast<unsigned>(index)), where);
        if (cluster.find(unit.unit.name) != nullptr) refuse(where + ".name", quote(unit.unit.name) + " is there twice");
        cluster.put(std::move(unit));
    }
    return cluster;
}

std::string write_cluster(const Cluster& cluster) {
    constexpr std::string_view head = "{\"units\": [";
    constexpr std::string_view tail = "\n]}\n";
    std::size_t size = head.size() + tail.size();
    for (const auto& record : cluster.records()) size += record->text.size() + 2;
    std::string out;
    out.reserve(size);
    out += head;
    std::string_view separator = "\n";
    for (const auto& record : cluster.records()) {
        out += separator;
        out += record->text;
        separator = ",\n";
    }
    out += tail;
    return out;
}

std::string write_unit(const SimulatedUnit& simulated) {
    const auto& unit = simulated.unit;
    std::string out = "  {";
    append_member(out, "name", unit.name);
    out += ",\n    \"options\": [";
    append_options(out, unit.options);
    out += "],\n    ";
    append_member(out, "desiredState", to_string(unit.desired_state));
    out += ", ";
    append_member(out, "currentState", simulated.current_state);
    out += ", ";
    append_member(out, "hash", unit_file_hash(unit.options));
    if (simulated.pending) append_pending(out, *simulated.pending);
    out += "}";
    return out;
}

}  // namespace deployer::mock
