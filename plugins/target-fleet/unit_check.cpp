#include "unit_check.hpp"

#include "placement.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/unit_file.hpp>
#include <deployer/unit_name.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace deployer::fleet {
namespace {

/// fleet stores a longer line, but refuses it when it reads the unit back.
std::optional<std::string> find_size_problem(std::string_view line) {
    if (line.size() < option_line_limit) return std::nullopt;
    return "is a line of " + std::to_string(line.size()) + " bytes, of which fleet takes at most " +
           std::to_string(option_line_limit - 1);
}

/// The first problem of a value, read line by line as each machine's systemd reads it. The next line continues a line
/// that ends in a backslash; for fleet also after an even number of backslashes. Units that other tools gave to fleet
/// have such lines.
std::optional<std::string> find_line_problem(std::string_view text) {
    for (bool continued = true; continued;) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        if (const auto problem = find_size_problem(line)) return problem;
        continued = end != std::string_view::npos;
        if (continued && !line.ends_with('\\')) return "holds a newline";
        if (!continued && line.ends_with('\\')) return "ends in a backslash, which would take in the line after it";
        if (continued) text.remove_prefix(end + 1);
    }
    return std::nullopt;
}

std::optional<std::string> find_problem(const UnitOption& option) {
    constexpr std::string_view line_ends("\r\n\0", 3);
    for (const auto* const text : {&option.section, &option.name, &option.value}) {
        if (find_invalid_utf8(*text)) return "is not UTF-8 text";
        if (text->find('\0') != std::string::npos) return "holds a NUL byte";
        if (text->find('\r') != std::string::npos) return "holds a carriage return";
    }
    if (option.section.find_first_of(line_ends) != std::string::npos ||
        option.name.find_first_of(line_ends) != std::string::npos) {
        return "has a newline in its name";
    }
    if (const auto problem = find_size_problem('[' + option.section + ']')) return "is in a section that " + *problem;
    return find_line_problem(option.name + '=' + option.value);
}

}  // namespace

std::optional<std::string> find_problem(const Unit& unit) {
    if (const auto problem = unit_name_problem(unit.name)) return "its name " + *problem;
    if (unit.options.empty()) return "it has no options";
    for (const auto& option : unit.options) {
        if (const auto problem = find_problem(option)) return "option " + quote(option.name) + ' ' + *problem;
    }
    // fleet checks this only when it creates a unit. It would replace an existing unit by one that no machine can take.
    if (const auto pair = find_contradiction(unit)) return "its [X-Fleet] section cannot have " + *pair;
    return std::nullopt;
}

}  // namespace deployer::fleet
