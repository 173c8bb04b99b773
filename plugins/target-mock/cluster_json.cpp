#include "cluster_json.hpp"

#include "json_tree.hpp"

#include <json_object.hpp>
#include <json_text.hpp>
#include <unit_json.hpp>

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>
#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/JSON/Object.h>

#include <string_view>
#include <utility>
#include <vector>

namespace deployer::mock {
namespace {

using json::Fields;
using json::Style;

void append_member(std::string& out, std::string_view key, std::string_view value) {
    json::append_member(out, key, value, Style::readable);
}

Moment moment(const Fields& fields, const std::string& key) {
    const auto written = fields.text(key);
    const auto found = moment_from(written);
    if (!found) fields.refuse(key, quote(written) + " is no time such as 2026-01-31T12:00:00Z");
    return *found;
}

std::optional<Pending> read_pending(const Fields& fields) {
    if (!fields.has("pending")) return std::nullopt;
    const auto pending = fields.object("pending");
    auto state = pending.text("state");
    return Pending{std::move(state), moment(pending, "at")};
}

SimulatedUnit read_unit(const Fields& fields) {
    SimulatedUnit simulated;
    simulated.unit = json::read_unit(fields, {DesiredState::launched, false});
    if (const auto problem = unit_name_problem(simulated.unit.name)) fields.refuse("name", *problem);
    const std::string settled(to_string(simulated.unit.desired_state));
    simulated.current_state = fields.find_text("currentState").value_or(settled);
    simulated.pending = read_pending(fields);
    return simulated;
}

void read_units(const Fields& root, Cluster& cluster, const Call& call) {
    root.each("units", [&](const Fields& fields) {
        call.check("reading the state file");
        auto unit = read_unit(fields);
        if (cluster.find(unit.unit.name) != nullptr) fields.refuse("name", quote(unit.unit.name) + " is there twice");
        cluster.put(std::move(unit));
    });
}

void append_options(std::string& out, const std::vector<UnitOption>& options) {
    std::string_view separator = "\n";
    for (const auto& option : options) {
        out += separator;
        out += "      ";
        json::append_option(out, option, Style::readable);
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
    if (document.type() != typeid(Poco::JSON::Object::Ptr)) throw Error(ErrorKind::rejected, "is no JSON object");
    Cluster cluster;
    try {
        read_units(Fields(document), cluster, call);
    } catch (const json::Mistake& mistake) {
        throw Error(ErrorKind::rejected, mistake.place() + ": " + mistake.problem());
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
