#include "placement.hpp"

#include <deployer/foreign_text.hpp>

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer::fleet {
namespace {

using Values = std::vector<std::string>;

/// The values of a line. A line that begins and ends with a quote holds several values, separated by the blanks outside
/// of quotes.
Values split_quoted(const std::string& line) {
    if (!line.starts_with('"') || !line.ends_with('"')) return {line};
    Values values(1);
    bool is_quoted = false;
    for (const char character : line) {
        if (character == '"') {
            is_quoted = !is_quoted;
        } else if (character == ' ' && !is_quoted) {
            values.emplace_back();
        } else {
            values.back() += character;
        }
    }
    return values;
}

Values words_of(const Values& lines) {
    Values words;
    for (const auto& line : lines) {
        std::istringstream stream(line);
        std::copy(std::istream_iterator<std::string>(stream), {}, std::back_inserter(words));
    }
    return words;
}

/// The values of all options with one of these names, in the order of the names. Some options have an older name, too.
Values values_of(const Unit& unit, std::initializer_list<std::string_view> names) {
    Values values;
    for (const auto name : names) {
        for (const auto& option : unit.options) {
            if (option.section != "X-Fleet" || option.name != name) continue;
            const auto more = split_quoted(option.value);
            values.insert(values.end(), more.begin(), more.end());
        }
    }
    return values;
}

/// Whether fleet takes the text for true.
bool is_true(std::string_view text) {
    constexpr std::array<std::string_view, 5> words{"true", "yes", "1", "on", "t"};
    const auto is_same = [](unsigned char left, unsigned char right) { return std::tolower(left) == right; };
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return std::equal(text.begin(), text.end(), word.begin(), word.end(), is_same);
    });
}

/// A contradiction such as "MachineOf \"a.service\" with Conflicts \"a*\"": the unit should be on the machine of a unit
/// that it conflicts with.
std::optional<std::string> find_match(const Values& peers, std::string_view demand, const Values& globs) {
    for (const auto& peer : peers) {
        const auto glob = std::find_if(globs.begin(), globs.end(), [&](const std::string& one) {
            return ::fnmatch(one.c_str(), peer.c_str(), FNM_PATHNAME) == 0;
        });
        if (glob == globs.end()) continue;
        return "MachineOf " + quote(peer) + " with " + std::string(demand) + ' ' + quote(*glob);
    }
    return std::nullopt;
}

}  // namespace

bool is_global(const Unit& unit) {
    const auto values = values_of(unit, {"Global"});
    return !values.empty() && is_true(values.back());
}

bool has_metadata_for(const Unit& unit, const Machine& machine) {
    std::map<std::string, std::set<std::string>> demands;
    for (const auto& pair : values_of(unit, {"X-ConditionMachineMetadata", "MachineMetadata"})) {
        const auto equals = pair.find('=');
        // fleet ignores text that is no pair.
        if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) continue;
        if (pair.find('=', equals + 1) != std::string::npos) continue;
        // The value of a specifier, such as %i, is unknown here, so any value may match.
        if (pair.find('%') != std::string::npos) continue;
        demands[pair.substr(0, equals)].insert(pair.substr(equals + 1));
    }
    return std::all_of(demands.begin(), demands.end(), [&](const auto& demand) {
        const auto found = machine.metadata.find(demand.first);
        return found != machine.metadata.end() && demand.second.contains(found->second);
    });
}

std::optional<std::string> find_contradiction(const Unit& unit) {
    const auto peers = values_of(unit, {"X-ConditionMachineOf", "MachineOf"});
    const auto conflicts = words_of(values_of(unit, {"X-Conflicts", "Conflicts"}));
    const auto replaces = values_of(unit, {"Replaces"});
    if (auto match = find_match(peers, "Conflicts", conflicts)) return match;
    if (auto match = find_match(peers, "Replaces", replaces)) return match;

    std::set<std::string_view> demands;
    if (!values_of(unit, {"MachineID", "X-ConditionMachineID", "X-ConditionMachineBootID"}).empty()) {
        demands.insert("MachineID");
    }
    if (!peers.empty()) demands.insert("MachineOf");
    if (!conflicts.empty()) demands.insert("Conflicts");
    if (!replaces.empty()) demands.insert("Replaces");
    if (is_global(unit)) demands.insert("Global");
    using Pair = std::pair<std::string_view, std::string_view>;
    for (const auto& [first, second] :
         {Pair{"MachineID", "MachineOf"}, Pair{"MachineID", "Conflicts"}, Pair{"MachineID", "Global"},
          Pair{"MachineID", "Replaces"}, Pair{"Global", "MachineOf"}, Pair{"Global", "Replaces"},
          Pair{"Conflicts", "Replaces"}}) {
        if (demands.contains(first) && demands.contains(second)) {
            return std::string(first).append(" with ").append(second);
        }
    }
    return std::nullopt;
}

}  // namespace deployer::fleet
