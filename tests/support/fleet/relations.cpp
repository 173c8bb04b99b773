#include "support/fleet/relations.hpp"

#include <cstdlib>
#include <sstream>

namespace deployer::simulated {

std::string with_specifiers(std::string_view value, std::string_view unit) {
    const auto stem = unit.substr(0, unit.rfind('.'));
    const auto at = stem.find('@');
    const auto prefix = stem.substr(0, at);
    const auto instance = at == std::string_view::npos ? std::string_view() : stem.substr(at + 1);
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] != '%' || i + 1 == value.size()) {
            out += value[i];
            continue;
        }
        switch (value[++i]) {
            case 'n':
                out += unit;
                break;
            case 'N':
                out += stem;
                break;
            case 'p':
                out += prefix;
                break;
            case 'j':
                out += prefix.substr(prefix.rfind('-') + 1);
                break;
            case 'i':
                out += instance;
                break;
            case '%':
                out += '%';
                break;
            default:
                out.append(1, '%').append(1, value[i]);
        }
    }
    return out;
}

Names words_of(const Unit& unit, std::string_view section, std::string_view option) {
    Names words;
    for (const auto& one : unit.options) {
        if (one.section != section || one.name != option) continue;
        std::istringstream stream(with_specifiers(one.value, unit.name));
        for (std::string word; stream >> word;) words.push_back(word);
    }
    return words;
}

std::string last_value(const Unit& unit, std::string_view section, std::string_view option) {
    std::string value;
    for (const auto& one : unit.options) {
        if (one.section == section && one.name == option) value = one.value;
    }
    return value;
}

Relations relations_of(const Unit& unit) {
    const auto named = [&](std::string_view option) { return words_of(unit, "Unit", option); };
    return {.binds_to = named("BindsTo"),
            .requirements = named("Requires"),
            .requisite = named("Requisite"),
            .part_of = named("PartOf"),
            .wants = named("Wants"),
            .conflicts = named("Conflicts"),
            .after = named("After"),
            .before = named("Before")};
}

Time exec_stop_time(const Unit& unit) {
    std::chrono::duration<double> seconds{0};
    const std::string sleep = "sleep ";
    for (const auto& one : unit.options) {
        if (one.section != "Service" || one.name != "ExecStop") continue;
        const auto place = one.value.find(sleep);
        if (place == std::string::npos) continue;
        seconds += std::chrono::duration<double>(std::strtod(one.value.c_str() + place + sleep.size(), nullptr));
    }
    return std::chrono::duration_cast<Time>(seconds);
}

}  // namespace deployer::simulated
