#include "relations.hpp"

#include <deployer/unit_name.hpp>

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>
#include <utility>

namespace deployer::fleet {
namespace {

/// The relations that an option of [Unit] or [Install] gives to the units that it names.
struct Meaning {
    std::string_view section;
    std::string_view option;
    std::array<Names Relations::*, 3> lists;
};

/// The relations by option, including option names that newer systemd versions have dropped.
constexpr std::array<Meaning, 19> meanings{{
    {"Unit", "After", {&Relations::after}},
    {"Unit", "Before", {&Relations::before}},
    {"Unit", "Wants", {&Relations::starts}},
    {"Unit", "Upholds", {&Relations::starts}},
    {"Unit", "Requires", {&Relations::stops_with, &Relations::starts}},
    {"Unit", "RequiresOverridable", {&Relations::stops_with, &Relations::starts}},
    {"Unit", "Requisite", {&Relations::stops_with}},
    {"Unit", "RequisiteOverridable", {&Relations::stops_with}},
    {"Unit", "BindsTo", {&Relations::stops_with, &Relations::starts}},
    {"Unit", "BindTo", {&Relations::stops_with, &Relations::starts}},
    {"Unit", "PartOf", {&Relations::stops_with}},
    {"Unit", "StopPropagatedFrom", {&Relations::stops_with}},
    {"Unit", "PropagatesStopTo", {&Relations::takes_along}},
    {"Install", "WantedBy", {&Relations::started_with}},
    {"Install", "RequiredBy", {&Relations::started_with, &Relations::takes_along}},
    {"Install", "UpheldBy", {&Relations::started_with}},
    // systemd orders these implicitly before the unit that they trigger.
    {"Timer", "Unit", {&Relations::before}},
    {"Path", "Unit", {&Relations::before}},
    {"Socket", "Service", {&Relations::before}},
}};

std::string_view without_type(std::string_view name) {
    return name.substr(0, name.rfind('.'));
}

std::string_view prefix_of(std::string_view name) {
    return without_type(name).substr(0, name.find('@'));
}

/// The value of a specifier (systemd.unit(5), "Specifiers").
std::string meaning_of(char specifier, std::string_view unit) {
    constexpr std::string_view anything = "*";
    const auto unescaped = [&](std::string_view text) {
        return std::string(text.find_first_of("-\\") == std::string_view::npos ? text : anything);
    };
    const auto prefix = prefix_of(unit);
    const auto last_part = prefix.substr(prefix.rfind('-') + 1);
    switch (specifier) {
        case 'n':
            return std::string(unit);
        case 'N':
            return std::string(without_type(unit));
        case 'p':
            return std::string(prefix);
        case 'P':
            return unescaped(prefix);
        case 'i':
            return std::string(instance_of(unit));
        case 'I':
            return unescaped(instance_of(unit));
        case 'j':
            return std::string(last_part);
        case 'J':
            return unescaped(last_part);
        case '%':
            return "%";
        default:
            return std::string(anything);
    }
}

std::string expand(std::string_view word, std::string_view unit) {
    std::string name;
    for (std::size_t at = 0; at < word.size(); ++at) {
        if (word[at] == '%' && at + 1 < word.size()) {
            name += meaning_of(word[++at], unit);
        } else if (word[at] != '"' && word[at] != '\'') {
            name += word[at];
        }
    }
    return name;
}

/// Adds the unit names in a value. A single backslash is the end of a continued line and no name.
void add_names(Names& names, const std::string& value, std::string_view unit) {
    std::istringstream words(value);
    for (std::string word; words >> word;) {
        if (word != "\\") names.push_back(expand(word, unit));
    }
}

bool is_of_type(std::string_view unit, std::initializer_list<std::string_view> types) {
    return std::any_of(types.begin(), types.end(), [&](std::string_view type) { return unit.ends_with(type); });
}

}  // namespace

Relations read_relations(const Unit& unit) {
    Relations relations;
    for (const auto& option : unit.options) {
        for (const auto& meaning : meanings) {
            if (meaning.section != option.section || meaning.option != option.name) continue;
            for (const auto list : meaning.lists) {
                if (list != nullptr) add_names(relations.*list, option.value, unit.name);
            }
        }
    }
    if (is_of_type(unit.name, {".timer", ".path", ".socket"})) {
        relations.before.push_back(std::string(without_type(unit.name)) + ".service");
    }
    if (is_of_type(unit.name, {".target"})) {
        std::copy(relations.starts.begin(), relations.starts.end(), std::back_inserter(relations.after));
    }
    return relations;
}

bool holds(const Names& names, std::string_view unit) {
    const std::string name(unit);
    return std::any_of(names.begin(), names.end(), [&](const std::string& pattern) {
        return pattern == name ||
               (pattern.find('*') != std::string::npos && ::fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0);
    });
}

}  // namespace deployer::fleet
