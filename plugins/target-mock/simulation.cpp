#include "simulation.hpp"

#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <Poco/UTF8Encoding.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace deployer::mock {
namespace {

constexpr std::string_view failed = "failed";
constexpr std::string_view inactive = "inactive";

/// The state that the unit will reach; nullopt when it never reaches one.
std::optional<std::string> outcome(const Unit& unit, const Behaviour& behaviour) {
    if (unit.desired_state == DesiredState::launched) {
        if (matches_any(behaviour.never_ready, unit.name)) return std::nullopt;
        if (matches_any(behaviour.fail, unit.name)) return std::string(failed);
    }
    return std::string(to_string(unit.desired_state));
}

bool same_content(const Unit& actual, const Unit& wanted) {
    return actual.options == wanted.options || content_digest(actual.options) == content_digest(wanted.options);
}

bool is_utf8_without_nul(std::string_view text) {
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text.front());
        const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        if (first == 0 || length > text.size()) return false;
        const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
        if (!Poco::UTF8Encoding::isLegal(bytes, static_cast<int>(length))) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::optional<std::string> find_problem(const UnitOption& option) {
    for (const std::string_view text : {option.section, option.name, option.value}) {
        // Such text would make the whole state file unreadable.
        if (!is_utf8_without_nul(text)) return "is not UTF-8 text, or holds a NUL byte";
    }
    const auto length = option.name.size() + 1 + option.value.size();
    if (length < unit_line_limit) return std::nullopt;
    return "is a line of " + std::to_string(length) + " bytes, at most " + std::to_string(unit_line_limit - 1) +
           " are allowed";
}

}  // namespace

bool is_due(const SimulatedUnit& unit, Moment now) {
    return unit.pending && unit.pending->at <= now;
}

std::string_view state_at(const SimulatedUnit& unit, Moment now) {
    return is_due(unit, now) ? unit.pending->state : unit.current_state;
}

bool settle(Cluster& cluster, Moment now) {
    std::vector<SimulatedUnit> settled;
    for (const auto& record : cluster.records()) {
        const auto& unit = record->simulated;
        if (is_due(unit, now)) settled.push_back({unit.unit, unit.pending->state, std::nullopt});
    }
    for (auto& unit : settled) cluster.put(std::move(unit));
    return !settled.empty();
}

std::optional<SimulatedUnit> follow(const SimulatedUnit* before, const Unit& wanted, const Behaviour& behaviour,
                                    Moment now) {
    if (before != nullptr && before->unit == wanted) return std::nullopt;
    SimulatedUnit after{wanted, std::string(inactive), std::nullopt};
    auto end = outcome(wanted, behaviour);
    if (!end) return after;
    if (behaviour.delay.count() == 0) {
        after.current_state = *std::move(end);
        return after;
    }
    if (before != nullptr) after.current_state = state_at(*before, now);
    after.pending = Pending{*std::move(end), now + behaviour.delay};
    return after;
}

UnitStatus judge(const SimulatedUnit* actual, const Unit& wanted, Moment now) {
    if (actual == nullptr) return {Readiness::absent, "not in the cluster"};
    if (!same_content(actual->unit, wanted)) return {Readiness::waiting, "the cluster holds another version"};
    const auto told = actual->unit.desired_state;
    if (told != wanted.desired_state) {
        return {Readiness::waiting, "the cluster was told to have it " + std::string(to_string(told))};
    }
    const auto state = std::string(state_at(*actual, now));
    if (actual->pending && !is_due(*actual, now)) {
        return {Readiness::waiting, state + ", on its way to " + std::string(to_string(told))};
    }
    if (state == to_string(told)) return {Readiness::ready, state};
    return {state == failed ? Readiness::failed : Readiness::waiting, state};
}

std::optional<std::string> find_problem(const Unit& unit) {
    if (auto problem = unit_name_problem(unit.name)) return problem;
    if (unit.options.empty()) return "it has no options";
    for (std::size_t index = 0; index < unit.options.size(); ++index) {
        if (const auto problem = find_problem(unit.options[index])) {
            return "option " + std::to_string(index + 1) + " " + *problem;
        }
    }
    return std::nullopt;
}

}  // namespace deployer::mock
