#include "fleet_json.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSONString.h>

#include <cstddef>

namespace deployer::fleet {
namespace {

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

[[noreturn]] void refuse(const std::string& what, std::string_view problem) {
    throw Error(ErrorKind::unavailable, what + ' ' + std::string(problem));
}

Object::Ptr parse(const std::string& body) {
    Var value;
    try {
        value = Poco::JSON::Parser().parse(body);
    } catch (const Poco::Exception& problem) {
        refuse("the answer", "is not JSON: " + problem.message());
    }
    if (value.type() != typeid(Object::Ptr)) refuse("the answer", "is no JSON object");
    return value.extract<Object::Ptr>();
}

/// fleet leaves a key out when its text is empty.
std::string find_text(const Object& object, const std::string& key, const std::string& where) {
    if (!object.has(key)) return {};
    const auto value = object.get(key);
    if (value.type() != typeid(std::string)) refuse(where + key, "is no text");
    return value.extract<std::string>();
}

std::string text(const Object& object, const std::string& key, const std::string& where) {
    auto found = find_text(object, key, where);
    if (found.empty()) refuse(where + key, "is missing");
    return found;
}

Array::Ptr array(const Object& object, const std::string& key, const std::string& where) {
    if (!object.has(key)) refuse(where + key, "is missing");
    const auto value = object.get(key);
    if (value.type() != typeid(Array::Ptr)) refuse(where + key, "is no array");
    return value.extract<Array::Ptr>();
}

/// `read(object, where)` for each, where `where` begins the names of its keys: "units[3].".
template <class Item, class Read>
std::vector<Item> read_each(const Array& array, const std::string& list, const Read& read) {
    std::vector<Item> items;
    items.reserve(array.size());
    for (std::size_t index = 0; index < array.size(); ++index) {
        const auto value = array.get(static_cast<unsigned>(index));
        const auto where = list + '[' + std::to_string(index) + ']';
        if (value.type() != typeid(Object::Ptr)) refuse(where, "is no object");
        items.push_back(read(*value.extract<Object::Ptr>(), where + '.'));
    }
    return items;
}

/// `{}` is how fleet says "none".
template <class Item, class Read>
Page<Item> read_page(const std::string& body, const std::string& list, const Read& read) {
    const auto object = parse(body);
    Page<Item> page;
    if (object->size() == 0) return page;
    page.next = find_text(*object, "nextPageToken", "");
    page.items = read_each<Item>(*array(*object, list, ""), list, read);
    return page;
}

UnitOption to_option(const Object& object, const std::string& where) {
    return {find_text(object, "section", where), find_text(object, "name", where), find_text(object, "value", where)};
}

FleetUnit to_unit(const Object& object, const std::string& where) {
    FleetUnit held;
    held.unit.name = text(object, "name", where);
    if (const auto problem = unit_name_problem(held.unit.name)) {
        refuse(where + "name", "is " + quote(held.unit.name) + ", which " + *problem);
    }
    held.unit.options = read_each<UnitOption>(*array(object, "options", where), where + "options", to_option);
    // fleet writes a unit before its state. When it is ended in between, the unit stays without, as if it were loaded.
    const auto word = object.has("desiredState") ? text(object, "desiredState", where) : "loaded";
    const auto state = desired_state_from(word);
    if (!state) refuse(where + "desiredState", "is " + quote(word) + ", no state of a unit");
    held.unit.desired_state = *state;
    held.current_state = find_text(object, "currentState", where);
    held.machine = find_text(object, "machineID", where);
    return held;
}

StateEntry to_state(const Object& object, const std::string& where) {
    return {text(object, "name", where),
            find_text(object, "hash", where),
            find_text(object, "machineID", where),
            find_text(object, "systemdLoadState", where),
            find_text(object, "systemdActiveState", where),
            find_text(object, "systemdSubState", where)};
}

Machine to_machine(const Object& object, const std::string& where) {
    Machine machine{text(object, "id", where), {}};
    if (!object.has("metadata")) return machine;
    const auto value = object.get("metadata");
    if (value.type() != typeid(Object::Ptr)) refuse(where + "metadata", "is no object");
    const auto& metadata = *value.extract<Object::Ptr>();
    for (const auto& key : metadata.getNames()) {
        machine.metadata.emplace(key, find_text(metadata, key, where + "metadata."));
    }
    return machine;
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
    out.append(1, '"').append(key).append("\":").append(Poco::toJSON(std::string(value)));
}

}  // namespace

Page<FleetUnit> read_units(const std::string& body) {
    return read_page<FleetUnit>(body, "units", to_unit);
}

Page<StateEntry> read_states(const std::string& body) {
    return read_page<StateEntry>(body, "states", to_state);
}

Page<Machine> read_machines(const std::string& body) {
    return read_page<Machine>(body, "machines", to_machine);
}

FleetUnit read_unit(const std::string& body) {
    return to_unit(*parse(body), "");
}

std::optional<std::string> read_error(const std::string& body) {
    try {
        const auto error = parse(body)->getObject("error");
        if (error.isNull()) return std::nullopt;
        return find_text(*error, "message", "error.");
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::string write_unit(const Unit& unit) {
    std::string out = "{";
    append_member(out, "name", unit.name);
    out += ',';
    append_member(out, "desiredState", to_string(unit.desired_state));
    out += ",\"options\":[";
    std::string_view separator;
    for (const auto& option : unit.options) {
        out.append(separator).append(1, '{');
        append_member(out, "section", option.section);
        out += ',';
        append_member(out, "name", option.name);
        out += ',';
        append_member(out, "value", option.value);
        out += '}';
        separator = ",";
    }
    return out += "]}";
}

std::string write_desired_state(std::string_view unit, DesiredState state) {
    std::string out = "{";
    append_member(out, "name", unit);
    out += ',';
    append_member(out, "desiredState", to_string(state));
    return out += '}';
}

}  // namespace deployer::fleet
