#include "fleet_json.hpp"

#include <json_object.hpp>
#include <json_text.hpp>
#include <unit_json.hpp>

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

namespace deployer::fleet {
namespace {

using json::append_member;
using json::Fields;

Fields parse(const std::string& body) {
    Poco::Dynamic::Var value;
    try {
        value = Poco::JSON::Parser().parse(body);
    } catch (const Poco::Exception& problem) {
        throw Error(ErrorKind::unavailable, "the answer is not JSON: " + problem.message());
    }
    if (value.type() != typeid(Poco::JSON::Object::Ptr)) {
        throw Error(ErrorKind::unavailable, "the answer is no JSON object");
    }
    return Fields(value);
}

/// An answer of another shape than fleet's says nothing about units.
template <class Read>
auto understood(const Read& read) {
    try {
        return read();
    } catch (const json::Mistake& mistake) {
        throw Error(ErrorKind::unavailable, mistake.place() + ' ' + mistake.problem());
    }
}

/// fleet leaves a key out when its text is empty.
std::string find_text(const Fields& fields, const std::string& key) {
    return fields.find_text(key).value_or("");
}

std::string text(const Fields& fields, const std::string& key) {
    auto found = find_text(fields, key);
    if (found.empty()) fields.refuse(key, "is missing");
    return found;
}

/// `{}` is how fleet says "none".
template <class Item, class Read>
Page<Item> read_page(const std::string& body, const std::string& list, const Read& read) {
    return understood([&] {
        const auto answer = parse(body);
        Page<Item> page;
        if (answer.size() == 0) return page;
        page.next = find_text(answer, "nextPageToken");
        page.items = answer.objects(list, read);
        return page;
    });
}

FleetUnit to_unit(const Fields& fields) {
    // fleet writes a unit before its state. When it is ended in between, the unit stays without, as if it were loaded.
    FleetUnit held;
    held.unit = json::read_unit(fields, {DesiredState::loaded, true});
    if (const auto problem = unit_name_problem(held.unit.name)) {
        fields.refuse("name", "is " + quote(held.unit.name) + ", which " + *problem);
    }
    held.current_state = find_text(fields, "currentState");
    held.machine = find_text(fields, "machineID");
    return held;
}

StateEntry to_state(const Fields& fields) {
    return {text(fields, "name"),
            find_text(fields, "hash"),
            find_text(fields, "machineID"),
            find_text(fields, "systemdLoadState"),
            find_text(fields, "systemdActiveState"),
            find_text(fields, "systemdSubState")};
}

Machine to_machine(const Fields& fields) {
    Machine machine{text(fields, "id"), {}};
    if (!fields.has("metadata")) return machine;
    const auto metadata = fields.object("metadata");
    for (const auto& key : metadata.keys()) machine.metadata.emplace(key, find_text(metadata, key));
    return machine;
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
    return understood([&] { return to_unit(parse(body)); });
}

std::optional<std::string> read_error(const std::string& body) {
    try {
        const auto answer = parse(body);
        if (!answer.has_more_than_null("error")) return std::nullopt;
        return find_text(answer.object("error"), "message");
    } catch (const Error&) {
        return std::nullopt;
    } catch (const json::Mistake&) {
        return std::nullopt;
    }
}

std::string write_unit(const Unit& unit) {
    std::string out = "{";
    append_member(out, "name", unit.name);
    out += ',';
    append_member(out, "desiredState", to_string(unit.desired_state));
    out += ",\"options\":";
    json::append_options(out, unit.options);
    return out += '}';
}

std::string write_desired_state(std::string_view unit, DesiredState state) {
    std::string out = "{";
    append_member(out, "name", unit);
    out += ',';
    append_member(out, "desiredState", to_string(state));
    return out += '}';
}

}  // namespace deployer::fleet
