#include "support/fleet/api.hpp"

#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSONString.h>

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

namespace deployer::simulated {
namespace {

using Poco::JSON::Object;

/// From this size on, fleet sends chunks, as any server written in Go.
constexpr std::size_t chunk_threshold = 2'048;

/// fleet's answer to an invalid request.
struct Refusal {
    int status;
    std::string message;
};

/// A JSON text as Go writes it: with HTML's special characters escaped.
std::string quoted(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const char character : Poco::toJSON(std::string(text))) {
        if (character == '<' || character == '>' || character == '&') {
            const auto byte = static_cast<unsigned char>(character);
            out.append("\\u00").append(1, digits[byte / 16]).append(1, digits[byte % 16]);
        } else {
            out += character;
        }
    }
    return out;
}

/// A member of a JSON object with a comma; nothing for an empty text.
std::string member(std::string_view key, std::string_view value) {
    return value.empty() ? std::string() : '"' + std::string(key) + "\":" + quoted(value) + ',';
}

std::string object(std::string members) {
    if (!members.empty()) members.pop_back();
    return '{' + members + '}';
}

std::string array(std::string_view key, const std::vector<std::string>& items) {
    if (items.empty()) return {};
    std::string out = '"' + std::string(key) + "\":[";
    for (const auto& item : items) out.append(item).append(1, ',');
    out.back() = ']';
    return out + ',';
}

HttpReply json_reply(int status, std::string body) {
    const auto framing = body.size() < chunk_threshold ? HttpReply::Framing::length : HttpReply::Framing::chunked;
    return {.status = status,
            .headers = {{"Content-Type", "application/json"}, {"Server", "fleetd/1.0.0"}},
            .body = std::move(body),
            .framing = framing};
}

HttpReply empty_reply(int status) {
    return {.status = status, .headers = {{"Server", "fleetd/1.0.0"}}};
}

std::string base64url(const std::array<unsigned char, 4>& bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const auto first = (bytes[0] << 16U) | (bytes[1] << 8U) | bytes[2];
    std::string out;
    for (const int shift : {18, 12, 6, 0}) out += digits[(first >> shift) & 63];
    return out + digits[bytes[3] >> 2U] + digits[(bytes[3] & 3U) << 4U] + "==";
}

std::string page_token(std::size_t limit, std::size_t page) {
    const auto low = [](std::size_t number) { return static_cast<unsigned char>(number & 255U); };
    return base64url({low(limit), low(limit >> 8U), low(page), low(page >> 8U)});
}

std::size_t page_number(const HttpRequest& request, std::size_t limit) {
    const auto token = request.parameter("nextPageToken");
    const auto page = token ? page_named(*token, limit) : 1;
    if (!page) throw Refusal{400, "invalid value of nextPageToken query parameter"};
    return *page;
}

std::string text_of(const Object& object, const std::string& key) {
    return object.has(key) ? object.getValue<std::string>(key) : std::string();
}

std::vector<UnitOption> options_of(const Object& body) {
    std::vector<UnitOption> options;
    if (!body.has("options")) return options;
    const auto items = body.getArray("options");
    for (unsigned index = 0; index < items->size(); ++index) {
        const auto item = items->getObject(index);
        options.push_back({text_of(*item, "section"), text_of(*item, "name"), text_of(*item, "value")});
    }
    return options;
}

Object::Ptr body_of(const HttpRequest& request) {
    try {
        return Poco::JSON::Parser().parse(request.body).extract<Object::Ptr>();
    } catch (const Poco::Exception& problem) {
        throw Refusal{400, "unable to decode body: " + problem.message()};
    }
}

void check_lines(const std::vector<UnitOption>& options) {
    for (const auto& option : options) {
        // fleet gives no message for this.
        if (option.name.size() + 1 + option.value.size() >= option_line_limit) throw Refusal{500, ""};
    }
}

/// fleet checks the placement only for units that are created.
void check_placement(const Unit& unit) {
    std::set<std::string> has;
    for (const auto& option : unit.options) {
        if (option.section != "X-Fleet") continue;
        has.insert(option.name == "MachineOf" ? "Peers" : option.name);
    }
    if (!is_global(unit)) has.erase("Global");
    using Pair = std::pair<const char*, const char*>;
    for (const auto& [first, second] :
         {Pair{"MachineID", "Peers"}, Pair{"MachineID", "Conflicts"}, Pair{"MachineID", "Global"},
          Pair{"MachineID", "Replaces"}, Pair{"Global", "Peers"}, Pair{"Global", "Replaces"},
          Pair{"Conflicts", "Replaces"}}) {
        if (!has.contains(first) || !has.contains(second)) continue;
        throw Refusal{400, std::string(first).append(" cannot be used with ").append(second)};
    }
}

std::string unit_json(const std::string& name, const Slot& slot) {
    std::vector<std::string> options;
    options.reserve(slot.unit.options.size());
    for (const auto& option : slot.unit.options) {
        options.push_back(
            object(member("name", option.name) + member("section", option.section) + member("value", option.value)));
    }
    // States set by show() count as a machine that has the unit.
    const bool is_scheduled = slot.shown_states ? !slot.shown_states->empty() : slot.machine.has_value();
    std::string placement;
    if (!is_global(slot.unit)) {
        placement = member("currentState", current_state(slot)) +
                    (is_scheduled ? member("machineID", machine_id(slot.machine.value_or(0))) : "");
    }
    return object(placement + member("desiredState", to_string(slot.unit.desired_state)) + member("name", name) +
                  array("options", options));
}

std::string state_json(const std::string& name, const FleetState& state) {
    return object(member("hash", state.hash) + member("machineID", state.machine) + member("name", name) +
                  member("systemdActiveState", state.active) + member("systemdLoadState", state.load) +
                  member("systemdSubState", state.sub));
}

}  // namespace

HttpReply error_reply(int status, std::string_view message) {
    const auto code = R"({"error":{"code":)" + std::to_string(status);
    return json_reply(status, code + R"(,"message":)" + quoted(message) + "}}");
}

std::optional<std::size_t> page_named(std::string_view token, std::size_t page_size) {
    constexpr std::size_t most_pages = 65'535;
    for (std::size_t page = 1; page <= most_pages; ++page) {
        if (page_token(page_size, page) == token) return page;
    }
    return std::nullopt;
}

/// The options grouped by section, because fleet's registry stores a unit as unit file text.
std::vector<UnitOption> grouped(const std::vector<UnitOption>& options) {
    std::vector<std::string> sections;
    for (const auto& option : options) {
        if (std::find(sections.begin(), sections.end(), option.section) == sections.end()) {
            sections.push_back(option.section);
        }
    }
    std::vector<UnitOption> out;
    for (const auto& section : sections) {
        std::copy_if(options.begin(), options.end(), std::back_inserter(out),
                     [&](const UnitOption& option) { return option.section == section; });
    }
    return out;
}

HttpReply Api::answer(const HttpRequest& request, const FleetFault& fault) try {
    auto path = request.path();
    if (!path.starts_with(base_path)) throw Refusal{404, ""};
    path.erase(0, base_path.size());
    const auto& method = request.method;
    const bool is_list = path == "/units" || path == "/state" || path == "/machines";
    if (is_list && method != "GET") throw Refusal{405, "only GET supported against this resource"};
    if (path == "/units") return list_units(request, fault);
    if (path == "/state") return list_states(request, fault);
    if (path == "/machines") return list_machines();
    if (!path.starts_with(units_path)) throw Refusal{404, ""};
    const auto name = path.substr(units_path.size());
    if (method == "GET") return get_unit(name);
    if (method == "PUT") return put_unit(request, name);
    if (method == "DELETE") return delete_unit(name);
    throw Refusal{405, "only GET, PUT and DELETE supported against this resource"};
} catch (const Refusal& refusal) {
    return error_reply(refusal.status, refusal.message);
}

HttpReply Api::page(std::string_view list, const Items& items, std::size_t number, bool has_next,
                    const FleetFault& fault) const {
    constexpr std::size_t one_in = 5;
    std::vector<std::string> kept;
    for (std::size_t index = 0; index < items.size(); ++index) {
        const auto& [unit, json] = items[index];
        const bool is_left_out =
            (fault.leave_out && index % one_in == 0) || ::fnmatch(fault.lacks.c_str(), unit.c_str(), 0) == 0;
        if (!is_left_out) kept.push_back(json);
    }
    const auto next = fault.repeat_token ? number : number + 1;
    const auto token = has_next || fault.repeat_token ? page_token(page_size_, next) : std::string();
    return json_reply(200, object(member("nextPageToken", token) + array(list, kept)));
}

HttpReply Api::list_units(const HttpRequest& request, const FleetFault& fault) const {
    const auto number = page_number(request, page_size_);
    const auto end = number * page_size_;
    const auto& slots = cluster_.slots();
    Items items;
    std::size_t index = 0;
    for (auto slot = slots.begin(); slot != slots.end() && index < end; ++slot) {
        if (!slot->second.exists || slot->second.is_unreadable) continue;
        if (index >= end - page_size_) items.emplace_back(slot->first, unit_json(slot->first, slot->second));
        ++index;
    }
    // A page that is exactly full names a next page, which may be empty.
    return page("units", items, number, items.size() == page_size_, fault);
}

HttpReply Api::list_states(const HttpRequest& request, const FleetFault& fault) const {
    const auto number = page_number(request, page_size_);
    const auto& slots = cluster_.slots();
    const auto wanted = request.parameter("unitName");
    const auto end = number * page_size_;
    Items items;
    std::size_t index = 0;
    const auto append = [&](const auto& slot) {
        for (const auto& state : states_of(slot.second)) {
            const bool is_on_page = index >= end - page_size_ && index < end;
            if (is_on_page) items.emplace_back(slot.first, state_json(slot.first, state));
            ++index;
        }
    };
    if (wanted) {
        if (const auto found = slots.find(*wanted); found != slots.end()) append(*found);
    } else {
        for (auto slot = slots.begin(); slot != slots.end() && index < end; ++slot) append(*slot);
    }
    return page("states", items, number, items.size() == page_size_, fault);
}

HttpReply Api::list_machines() const {
    std::vector<std::string> items;
    for (std::size_t number = 0; number < machines_; ++number) {
        items.push_back(
            object(member("id", machine_id(number)) + member("primaryIP", "10.0.0." + std::to_string(number))));
    }
    return json_reply(200, object(array("machines", items)));
}

HttpReply Api::get_unit(std::string_view name) const {
    const auto* slot = find_readable(name);
    if (slot == nullptr) throw Refusal{404, "unit does not exist"};
    return json_reply(200, unit_json(std::string(name), *slot));
}

HttpReply Api::put_unit(const HttpRequest& request, const std::string& name) {
    const auto type = request.header("Content-Type");
    if (type.substr(0, type.find(';')) != "application/json") {
        throw Refusal{415, "only acceptable Content-Type is application/json"};
    }
    const auto body = body_of(request);
    const auto named = text_of(*body, "name");
    if (!named.empty() && named != name) {
        throw Refusal{400, "name in URL \"" + name + "\" differs from unit name in request body \"" + named + '"'};
    }
    if (const auto problem = unit_name_problem(name)) throw Refusal{400, "unit name " + *problem};
    const auto* slot = find_readable(name);
    const auto word = text_of(*body, "desiredState");
    const auto state = word.empty() ? DesiredState::inactive : desired_state_from(word);
    const Unit unit{name, grouped(options_of(*body)), state.value_or(DesiredState::inactive)};
    check_lines(unit.options);
    if (!state) throw Refusal{500, ""};
    if (slot == nullptr) {
        if (unit.options.empty()) throw Refusal{409, "unit does not exist and options field empty"};
        check_placement(unit);
        cluster_.put(unit);
        return empty_reply(201);
    }
    if (!is_old_ && !unit.options.empty() && unit.options != slot->unit.options) {
        cluster_.put(unit);
        return empty_reply(201);
    }
    if (word.empty()) throw Refusal{409, "must provide DesiredState to update existing unit"};
    cluster_.set_desired_state(name, *state);
    return empty_reply(204);
}

HttpReply Api::delete_unit(std::string_view name) {
    if (find_readable(name) == nullptr) throw Refusal{404, "unit does not exist"};
    cluster_.destroy(name);
    return empty_reply(204);
}

const Slot* Api::find_readable(std::string_view name) const {
    const auto* slot = cluster_.find(name);
    if (slot == nullptr || !slot->exists) return nullptr;
    if (slot->is_unreadable) throw Refusal{500, ""};
    return slot;
}

}  // namespace deployer::simulated
