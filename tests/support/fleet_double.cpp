#include "support/fleet_double.hpp"

#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSONString.h>

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <set>

namespace deployer {
namespace {

using Poco::JSON::Object;

constexpr std::string_view base_path = "/fleet/v1";
constexpr std::string_view units_path = "/units/";

/// From this size on Go's server, which fleet is, sends chunks.
constexpr std::size_t chunk_threshold = 2'048;

/// What fleet answers to a wrong request.
struct Refusal {
    int status;
    std::string message;
};

/// As Go writes it: what HTML would take for its own is escaped.
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

/// Empty texts have no key.
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

HttpReply error_reply(int status, std::string_view message) {
    const auto code = R"({"error":{"code":)" + std::to_string(status);
    return json_reply(status, code + R"(,"message":)" + quoted(message) + "}}");
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

/// Which page a token names, from 1; nullopt: none.
std::optional<std::size_t> page_named(std::string_view token, std::size_t limit) {
    constexpr std::size_t most_pages = 65'535;
    for (std::size_t page = 1; page <= most_pages; ++page) {
        if (page_token(limit, page) == token) return page;
    }
    return std::nullopt;
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

/// As fleet's: the unit is one in the registry, where its text stands, grouped by section.
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

std::string option_value(const Unit& unit, std::string_view section, std::string_view name) {
    const auto found = std::find_if(unit.options.rbegin(), unit.options.rend(), [&](const UnitOption& option) {
        return option.section == section && option.name == name;
    });
    return found == unit.options.rend() ? std::string() : found->value;
}

bool is_global(const Unit& unit) {
    const auto word = option_value(unit, "X-Fleet", "Global");
    return word == "true" || word == "True" || word == "TRUE";
}

void check_lines(const std::vector<UnitOption>& options) {
    for (const auto& option : options) {
        // fleet says no more of it than that.
        if (option.name.size() + 1 + option.value.size() >= option_line_limit) throw Refusal{500, ""};
    }
}

/// Only of units that are created.
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

/// The words for a unit of that type that is up.
FleetState up_state(const std::string& name) {
    if (name.ends_with(".timer") || name.ends_with(".path")) return {.sub = "waiting"};
    if (name.ends_with(".socket")) return {.sub = "listening"};
    if (name.ends_with(".mount")) return {.sub = "mounted"};
    if (name.ends_with(".target") || name.ends_with(".slice")) return {.sub = "active"};
    return {};
}

std::string machine_id(std::size_t number) {
    constexpr std::size_t length = 32;
    std::string id(length, "0123456789abcdef"[(number + 10) % 16]);
    return id;
}

/// Each unit always on the same one.
std::string machine_of(const std::string& unit, std::size_t machines) {
    return machine_id(std::hash<std::string>()(unit) % machines);
}

}  // namespace

FleetDouble::FleetDouble(FleetOptions options)
    : options_(std::move(options)),
      server_(options_.unix_socket.empty()
                  ? HttpServer([this](const HttpRequest& request) { return handle(request); }, options_.port)
                  : HttpServer([this](const HttpRequest& request) { return handle(request); }, options_.unix_socket)) {}

std::string FleetDouble::endpoint() const {
    return options_.unix_socket.empty() ? server_.url("") : "unix://" + options_.unix_socket.string();
}

void FleetDouble::advance(Time time) {
    const std::scoped_lock lock(mutex_);
    advanced_ += time;
}

void FleetDouble::settle() {
    const std::scoped_lock lock(mutex_);
    auto last = time_now();
    for (const auto& [name, slot] : slots_) last = std::max(last, slot.phases.back().from);
    advanced_ += last - time_now();
}

FleetDouble::Time FleetDouble::now() const {
    const std::scoped_lock lock(mutex_);
    return time_now();
}

FleetDouble::Time FleetDouble::time_now() const {
    if (options_.speed == 0) return advanced_;
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - started_;
    return advanced_ + std::chrono::duration_cast<Time>(elapsed * options_.speed);
}

void FleetDouble::add(const Unit& unit) {
    const std::scoped_lock lock(mutex_);
    auto& slot = slots_[unit.name];
    slot = Slot{};
    slot.exists = true;
    slot.unit = unit;
    slot.unit.options = grouped(unit.options);
    const auto long_ago = time_now() - options_.pace.oneshot - options_.pace.oneshot;
    for (auto& phase : arrival(unit, long_ago)) slot.phases.push_back(std::move(phase));
}

void FleetDouble::remove(std::string_view unit) {
    const std::scoped_lock lock(mutex_);
    const auto found = slots_.find(unit);
    if (found != slots_.end()) destroy(found->second);
}

void FleetDouble::spoil(std::string_view unit) {
    const std::scoped_lock lock(mutex_);
    slots_[std::string(unit)].is_unreadable = true;
}

void FleetDouble::behave(std::string glob, Behaviour behaviour, std::string version) {
    const std::scoped_lock lock(mutex_);
    behaviours_.push_back({std::move(glob), behaviour, std::move(version)});
}

void FleetDouble::show(std::string_view unit, std::vector<FleetState> states, std::string current_state) {
    const std::scoped_lock lock(mutex_);
    auto& slot = slots_[std::string(unit)];
    slot.shown_states = std::move(states);
    slot.shown_current_state = std::move(current_state);
}

std::vector<Unit> FleetDouble::units() const {
    const std::scoped_lock lock(mutex_);
    std::vector<Unit> units;
    for (const auto& [name, slot] : slots_) {
        if (slot.exists) units.push_back(slot.unit);
    }
    return units;
}

std::vector<std::string> FleetDouble::names() const {
    std::vector<std::string> names;
    for (const auto& unit : units()) names.push_back(unit.name);
    return names;
}

std::optional<Unit> FleetDouble::find(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto found = slots_.find(unit);
    return found == slots_.end() || !found->second.exists ? std::nullopt : std::optional(found->second.unit);
}

std::string FleetDouble::current_state(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto found = slots_.find(unit);
    return found == slots_.end() ? std::string() : phase_at(found->second, time_now()).current_state;
}

bool FleetDouble::runs(std::string_view unit) const {
    return ran_at(unit, now());
}

bool FleetDouble::ran_at(std::string_view unit, Time time) const {
    const std::scoped_lock lock(mutex_);
    const auto found = slots_.find(unit);
    return found != slots_.end() && phase_at(found->second, time).runs;
}

std::string FleetDouble::version_of(std::string_view unit) const {
    const std::scoped_lock lock(mutex_);
    const auto found = slots_.find(unit);
    if (found == slots_.end()) return {};
    const auto& state = phase_at(found->second, time_now()).state;
    return state ? state->hash : std::string();
}

std::size_t FleetDouble::most_down(const std::vector<std::string>& units, Time since) const {
    std::set<Time> moments{since};
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& unit : units) {
            const auto found = slots_.find(unit);
            if (found == slots_.end()) continue;
            for (const auto& phase : found->second.phases) {
                if (phase.from > since && phase.from <= time_now()) moments.insert(phase.from);
            }
        }
    }
    std::size_t most = 0;
    for (const auto moment : moments) {
        const auto down =
            std::count_if(units.begin(), units.end(), [&](const std::string& unit) { return !ran_at(unit, moment); });
        most = std::max(most, static_cast<std::size_t>(down));
    }
    return most;
}

void FleetDouble::set_fault(Fault fault) {
    const std::scoped_lock lock(mutex_);
    fault_ = std::move(fault);
}

std::vector<std::string> FleetDouble::requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

std::vector<std::string> FleetDouble::writes() const {
    auto all = requests();
    std::erase_if(all, [](const std::string& line) { return line.starts_with("GET "); });
    return all;
}

std::size_t FleetDouble::count(std::string_view line) const {
    const auto all = requests();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [line](const std::string& one) { return one.starts_with(line); }));
}

void FleetDouble::forget_requests() {
    const std::scoped_lock lock(mutex_);
    requests_.clear();
    counts_.clear();
    server_.forget();
}

FleetDouble::Behaviour FleetDouble::behaviour_of(const Unit& unit) const {
    const auto has = [&](const std::string& version) {
        return std::any_of(unit.options.begin(), unit.options.end(),
                           [&](const UnitOption& option) { return option.value.find(version) != std::string::npos; });
    };
    const auto found = std::find_if(behaviours_.rbegin(), behaviours_.rend(), [&](const Told& told) {
        return ::fnmatch(told.glob.c_str(), unit.name.c_str(), 0) == 0 && has(told.version);
    });
    return found == behaviours_.rend() ? Behaviour::run : found->behaviour;
}

const FleetDouble::Phase& FleetDouble::phase_at(const Slot& slot, Time time) {
    const auto after = std::find_if(slot.phases.begin() + 1, slot.phases.end(),
                                    [time](const Phase& phase) { return phase.from > time; });
    return *std::prev(after);
}

void FleetDouble::forget_plans(Slot& slot, Time time) {
    std::erase_if(slot.phases, [&](const Phase& phase) { return phase.from > time; });
}

/// What happens once a machine gets to a unit.
std::vector<FleetDouble::Phase> FleetDouble::arrival(const Unit& unit, Time at) const {
    if (unit.desired_state == DesiredState::inactive || behaviour_of(unit) == Behaviour::unschedulable) {
        return {{.from = at}};
    }
    if (unit.desired_state == DesiredState::launched) return launch(unit, at);
    FleetState loaded{.active = "inactive", .sub = "dead", .hash = unit_file_hash(unit.options)};
    return {{.from = at, .current_state = "loaded", .is_scheduled = true, .state = std::move(loaded)}};
}

std::vector<FleetDouble::Phase> FleetDouble::launch(const Unit& unit, Time at) const {
    const auto hash = unit_file_hash(unit.options);
    const auto phase = [&](Time from, bool runs, FleetState state) {
        state.hash = hash;
        return Phase{from, "launched", true, runs, std::move(state)};
    };
    switch (behaviour_of(unit)) {
        case Behaviour::fail:
            return {phase(at, false, {.active = "failed", .sub = "failed"})};
        case Behaviour::restart:
            return {phase(at, false, {.active = "activating", .sub = "auto-restart"})};
        case Behaviour::hang:
            return {phase(at, false, {.active = "activating", .sub = "start"})};
        case Behaviour::masked:
            return {phase(at, false, {.load = "masked", .active = "inactive", .sub = "dead"})};
        default:
            break;
    }
    if (option_value(unit, "Service", "Type") != "oneshot") return {phase(at, true, up_state(unit.name))};
    return {phase(at, true, {.active = "activating", .sub = "start"}),
            phase(at + options_.pace.oneshot, false, {.active = "inactive", .sub = "dead"})};
}

void FleetDouble::arrive(Slot& slot, Time at) const {
    for (auto& phase : arrival(slot.unit, at)) slot.phases.push_back(std::move(phase));
}

void FleetDouble::create(Slot& slot, const Unit& unit) {
    const auto now = time_now();
    slot.exists = true;
    slot.unit = unit;
    if (options_.is_old && phase_at(slot, now).state) {
        forget_plans(slot, now);
        auto stuck = slot.phases.back();
        stuck.from = now;
        stuck.current_state = "launched";
        slot.phases.push_back(std::move(stuck));
        return;
    }
    // What is left of a former unit of that name goes its way first.
    arrive(slot, std::max(now, slot.phases.back().from) + options_.pace.create);
}

void FleetDouble::replace(Slot& slot, const Unit& unit) {
    const auto now = time_now();
    slot.unit = unit;
    forget_plans(slot, now);
    if (!phase_at(slot, now).state) return arrive(slot, now + options_.pace.create);
    const auto stopped = now + options_.pace.notice;
    slot.phases.push_back({.from = stopped});
    arrive(slot, stopped + options_.pace.gap);
}

void FleetDouble::change_state(Slot& slot, DesiredState state) {
    if (slot.unit.desired_state == state) return;
    const auto now = time_now();
    slot.unit.desired_state = state;
    forget_plans(slot, now);
    arrive(slot, now + (phase_at(slot, now).state ? options_.pace.change : options_.pace.create));
}

void FleetDouble::destroy(Slot& slot) {
    const auto now = time_now();
    slot.exists = false;
    slot.is_unreadable = false;
    forget_plans(slot, now);
    auto stopping = slot.phases.back();
    stopping.from = now;
    stopping.current_state = "inactive";
    const bool is_there = stopping.state.has_value();
    slot.phases.push_back(std::move(stopping));
    if (is_there) slot.phases.push_back({.from = now + options_.pace.stop});
}

FleetDouble::Slots::iterator FleetDouble::find_readable(std::string_view name) {
    const auto found = slots_.find(name);
    if (found == slots_.end() || !found->second.exists) return slots_.end();
    if (found->second.is_unreadable) throw Refusal{500, ""};
    return found;
}

HttpReply FleetDouble::handle(const HttpRequest& request) {
    const std::scoped_lock lock(mutex_);
    const auto recorded = record(request);
    const auto fault = (fault_ ? fault_(recorded) : std::nullopt).value_or(FleetFault{});
    HttpReply reply;
    if (!fault.drop) reply = fault.status ? error_reply(*fault.status, fault.message) : answer(request, fault);
    reply.drop = fault.drop || fault.lose_answer;
    reply.headers.insert(reply.headers.end(), fault.headers.begin(), fault.headers.end());
    if (fault.body) reply.body = *fault.body;
    if (fault.framing) reply.framing = *fault.framing;
    reply.cut_after = fault.cut_after;
    reply.drip = fault.drip;
    reply.delay = options_.latency + fault.delay;
    return reply;
}

FleetRequest FleetDouble::record(const HttpRequest& request) {
    FleetRequest recorded{request.method, {}, request.method + ' ', 0};
    auto path = request.path();
    if (path.starts_with(base_path)) path.erase(0, base_path.size());
    if (path.starts_with(units_path)) {
        recorded.unit = path.substr(units_path.size());
        recorded.line += recorded.unit;
    } else {
        recorded.unit = request.parameter("unitName").value_or("");
        recorded.line += path + (recorded.unit.empty() ? "" : ' ' + recorded.unit);
    }
    if (const auto token = request.parameter("nextPageToken")) {
        recorded.line += " page " + std::to_string(page_named(*token, options_.page_size).value_or(0));
    }
    recorded.nth = ++counts_[recorded.line];
    requests_.push_back(recorded.line);
    return recorded;
}

HttpReply FleetDouble::answer(const HttpRequest& request, const FleetFault& fault) try {
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

HttpReply FleetDouble::page(std::string_view list, const Items& items, std::size_t number, bool has_next,
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
    const auto token = has_next || fault.repeat_token ? page_token(options_.page_size, next) : std::string();
    return json_reply(200, object(member("nextPageToken", token) + array(list, kept)));
}

HttpReply FleetDouble::list_units(const HttpRequest& request, const FleetFault& fault) const {
    const auto number = page_number(request, options_.page_size);
    const auto end = number * options_.page_size;
    Items items;
    std::size_t index = 0;
    for (auto slot = slots_.begin(); slot != slots_.end() && index < end; ++slot) {
        if (!slot->second.exists || slot->second.is_unreadable) continue;
        if (index >= end - options_.page_size) items.emplace_back(slot->first, unit_json(slot->first, slot->second));
        ++index;
    }
    // A page that is just full names a next one, which may be empty.
    return page("units", items, number, items.size() == options_.page_size, fault);
}

HttpReply FleetDouble::list_states(const HttpRequest& request, const FleetFault& fault) const {
    const auto number = page_number(request, options_.page_size);
    const auto wanted = request.parameter("unitName");
    Items all;
    const auto append = [&](const auto& slot) {
        for (auto& json : state_jsons(slot.first, slot.second)) all.emplace_back(slot.first, std::move(json));
    };
    if (const auto found = wanted ? slots_.find(*wanted) : slots_.end(); found != slots_.end()) append(*found);
    if (!wanted) std::for_each(slots_.begin(), slots_.end(), append);
    const auto begin = std::min((number - 1) * options_.page_size, all.size());
    const auto end = std::min(begin + options_.page_size, all.size());
    const auto at = [&](std::size_t index) { return all.begin() + static_cast<std::ptrdiff_t>(index); };
    const bool is_full = end - begin == options_.page_size;
    return page("states", Items(at(begin), at(end)), number, is_full, fault);
}

HttpReply FleetDouble::list_machines() const {
    std::vector<std::string> items;
    for (std::size_t number = 0; number < options_.machines; ++number) {
        items.push_back(
            object(member("id", machine_id(number)) + member("primaryIP", "10.0.0." + std::to_string(number))));
    }
    return json_reply(200, object(array("machines", items)));
}

HttpReply FleetDouble::get_unit(std::string_view name) {
    const auto found = find_readable(name);
    if (found == slots_.end()) throw Refusal{404, "unit does not exist"};
    return json_reply(200, unit_json(found->first, found->second));
}

HttpReply FleetDouble::put_unit(const HttpRequest& request, const std::string& name) {
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
    const auto found = find_readable(name);
    const auto word = text_of(*body, "desiredState");
    const auto state = word.empty() ? DesiredState::inactive : desired_state_from(word);
    const Unit unit{name, grouped(options_of(*body)), state.value_or(DesiredState::inactive)};
    check_lines(unit.options);
    if (!state) throw Refusal{500, ""};
    if (found == slots_.end()) {
        if (unit.options.empty()) throw Refusal{409, "unit does not exist and options field empty"};
        check_placement(unit);
        create(slots_[name], unit);
        return empty_reply(201);
    }
    auto& slot = found->second;
    if (!options_.is_old && !unit.options.empty() && unit.options != slot.unit.options) {
        replace(slot, unit);
        return empty_reply(201);
    }
    if (word.empty()) throw Refusal{409, "must provide DesiredState to update existing unit"};
    change_state(slot, *state);
    return empty_reply(204);
}

HttpReply FleetDouble::delete_unit(std::string_view name) {
    const auto found = find_readable(name);
    if (found == slots_.end()) throw Refusal{404, "unit does not exist"};
    destroy(found->second);
    return empty_reply(204);
}

std::string FleetDouble::unit_json(const std::string& name, const Slot& slot) const {
    const auto& phase = phase_at(slot, time_now());
    std::vector<std::string> options;
    options.reserve(slot.unit.options.size());
    for (const auto& option : slot.unit.options) {
        options.push_back(
            object(member("name", option.name) + member("section", option.section) + member("value", option.value)));
    }
    const auto current = slot.shown_states ? slot.shown_current_state : phase.current_state;
    const bool is_scheduled = slot.shown_states ? !slot.shown_states->empty() : phase.is_scheduled;
    std::string placement;
    if (!is_global(slot.unit)) {
        placement = member("currentState", current) +
                    (is_scheduled ? member("machineID", machine_of(name, options_.machines)) : "");
    }
    return object(placement + member("desiredState", to_string(slot.unit.desired_state)) + member("name", name) +
                  array("options", options));
}

std::vector<std::string> FleetDouble::state_jsons(const std::string& name, const Slot& slot) const {
    auto states = slot.shown_states.value_or(std::vector<FleetState>());
    const auto& phase = phase_at(slot, time_now());
    if (!slot.shown_states && phase.state) {
        const bool everywhere = is_global(slot.unit);
        for (std::size_t number = 0; number < (everywhere ? options_.machines : 1); ++number) {
            states.push_back(*phase.state);
            if (everywhere) states.back().machine = machine_id(number);
        }
    }
    std::vector<std::string> jsons;
    for (const auto& state : states) {
        const auto hash = state.hash.empty() ? unit_file_hash(slot.unit.options) : state.hash;
        const auto machine = state.machine.empty() ? machine_of(name, options_.machines) : state.machine;
        jsons.push_back(object(member("hash", hash) + member("machineID", machine) + member("name", name) +
                               member("systemdActiveState", state.active) + member("systemdLoadState", state.load) +
                               member("systemdSubState", state.sub)));
    }
    return jsons;
}

}  // namespace deployer
