#include "plan/differences.hpp"

#include "text/quantity.hpp"

#include <deployer/foreign_text.hpp>
#include <deployer/unit_file.hpp>
#include <deployer/word_list.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <utility>

namespace deployer {
namespace {

std::string describe(const OptionDifference& difference) {
    const auto option = "[" + difference.section + "] " + difference.name;
    if (!difference.from) return option + " added";
    if (!difference.to) return option + " removed";
    const auto hidden = difference.hidden.empty() ? std::string() : word_list(difference.hidden) + " changed";
    if (difference.from == difference.to) return option + (hidden.empty() ? " differs" : ": " + hidden);
    const auto besides = hidden.empty() ? std::string() : ", " + hidden;
    // The first characters of two long commands are mostly alike: showing them would show no difference.
    constexpr std::size_t short_enough = 60;
    if (difference.from->size() > short_enough || difference.to->size() > short_enough) {
        return option + " differs" + besides;
    }
    return option + ' ' + quote(*difference.from) + " -> " + quote(*difference.to) + besides;
}

bool is_same(const UnitOption& left, const UnitOption& right) {
    return content_digest(std::span(&left, 1)) == content_digest(std::span(&right, 1));
}

}  // namespace

std::vector<OptionDifference> differences_between(const std::vector<UnitOption>& from,
                                                  const std::vector<UnitOption>& to) {
    using Key = std::pair<std::string, std::string>;
    std::vector<Key> order;
    std::map<Key, std::pair<std::vector<const UnitOption*>, std::vector<const UnitOption*>>> sides;
    const auto collect = [&](const std::vector<UnitOption>& options, auto side) {
        for (const auto& option : options) {
            const Key key{option.section, option.name};
            const auto [entry, fresh] = sides.try_emplace(key);
            if (fresh) order.push_back(key);
            (entry->second.*side).push_back(&option);
        }
    };
    collect(from, &decltype(sides)::mapped_type::first);
    collect(to, &decltype(sides)::mapped_type::second);

    std::vector<OptionDifference> differences;
    for (const auto& key : order) {
        const auto& [before, after] = sides.at(key);
        for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
            const auto* old_option = i < before.size() ? before[i] : nullptr;
            const auto* new_option = i < after.size() ? after[i] : nullptr;
            if (old_option != nullptr && new_option != nullptr && is_same(*old_option, *new_option)) continue;
            OptionDifference difference{key.first, key.second, {}, {}};
            if (old_option != nullptr) difference.from = old_option->value;
            if (new_option != nullptr) difference.to = new_option->value;
            differences.push_back(std::move(difference));
        }
    }
    return differences;
}

void hide_secrets(OptionDifference& difference, const Redaction& redaction) {
    const auto from = difference.from.value_or("");
    const auto to = difference.to.value_or("");
    if (difference.from && difference.to) difference.hidden = redaction.changed_names(difference.name, from, to);
    if (difference.from) difference.from = redaction.shown(difference.name, from);
    if (difference.to) difference.to = redaction.shown(difference.name, to);
}

std::string describe_update(const Change& update) {
    constexpr std::size_t shown = 3;
    std::string reason;
    const auto& differences = update.differences;
    for (std::size_t i = 0; i < std::min(shown, differences.size()); ++i) {
        reason += (i > 0 ? ", " : "") + describe(differences[i]);
    }
    if (differences.size() > shown) reason += " and " + quantity(differences.size() - shown, "more option");
    if (differences.empty()) reason = "the order of options differs";
    if (update.desired_state != update.former_state) {
        reason += ", desired state " + std::string(to_string(update.former_state)) + " -> " +
                  std::string(to_string(update.desired_state));
    }
    return reason;
}

}  // namespace deployer
