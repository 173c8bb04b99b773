#include <deployer/unit_name.hpp>

#include <deployer/foreign_text.hpp>
#include <deployer/nearest_word.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace deployer {

namespace {

constexpr std::string_view sidekick_mark = "-sidekick";
constexpr std::size_t longest_name = 256;

/// The last two types are from older systemd versions; clusters may still have such units.
constexpr auto types =
    std::to_array<std::string_view>({".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target",
                                     ".path", ".timer", ".slice", ".scope", ".snapshot", ".busname"});

constexpr bool is_digit(char byte) noexcept {
    return byte >= '0' && byte <= '9';
}

constexpr bool can_stand_in_name(char byte) noexcept {
    return is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           std::string_view(":_.\\@-").find(byte) != std::string_view::npos;
}

/// The offset of the type suffix; the length of the name when the name has no type suffix.
std::size_t type_offset(std::string_view name) noexcept {
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos) return name.size();
    return std::find(types.begin(), types.end(), name.substr(dot)) == types.end() ? name.size() : dot;
}

std::string_view without_type(std::string_view name) noexcept {
    return name.substr(0, type_offset(name));
}

/// Removes the digits at the start from the text and returns them without leading zeros.
std::string_view take_number(std::string_view& text) noexcept {
    const auto* const end = std::find_if_not(text.begin(), text.end(), is_digit);
    auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(digits.size());
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    return digits;
}

/// Compares names with runs of digits by their value: negative, 0 or positive. Names that differ only in leading zeros
/// compare as 0.
int compare_by_value(std::string_view left, std::string_view right) noexcept {
    while (!left.empty() && !right.empty()) {
        if (is_digit(left.front()) && is_digit(right.front())) {
            const auto first = take_number(left);
            const auto second = take_number(right);
            if (first.size() != second.size()) return first.size() < second.size() ? -1 : 1;
            if (const int order = first.compare(second); order != 0) return order;
        } else if (left.front() != right.front()) {
            return static_cast<unsigned char>(left.front()) < static_cast<unsigned char>(right.front()) ? -1 : 1;
        } else {
            left.remove_prefix(1);
            right.remove_prefix(1);
        }
    }
    return static_cast<int>(right.empty()) - static_cast<int>(left.empty());
}

}  // namespace

std::optional<std::string> unit_name_problem(std::string_view name) {
    if (name.empty()) return "is empty";
    if (name.size() > longest_name) return "is longer than " + std::to_string(longest_name) + " characters";
    const auto* const bad = std::find_if_not(name.begin(), name.end(), can_stand_in_name);
    if (bad != name.end()) {
        const auto rest = name.substr(static_cast<std::size_t>(bad - name.begin()));
        const auto is_ascii = [](char byte) { return static_cast<unsigned char>(byte) < 0x80U; };
        const auto* const end = std::find_if(rest.begin() + 1, rest.end(), is_ascii);
        const auto length = is_ascii(*bad) ? 1 : static_cast<std::size_t>(end - rest.begin());
        return "holds " + quote(rest.substr(0, length)) + ", which no unit name can";
    }
    if (name.front() == '@') return "starts with \"@\"";
    const auto type = type_offset(name);
    if (type == name.size()) return "does not end in a unit type such as .service or .timer";
    if (type == 0) return "has nothing before its unit type";
    return std::nullopt;
}

std::string_view service_name(std::string_view unit_name) noexcept {
    if (const auto sidekick = unit_name.find(sidekick_mark); sidekick != std::string_view::npos) {
        return unit_name.substr(0, sidekick);
    }
    if (const auto at = unit_name.find('@'); at != std::string_view::npos) return unit_name.substr(0, at);
    return without_type(unit_name);
}

bool resembles_unit_type(std::string_view word) {
    if (word.empty()) return false;
    std::vector<std::string> words(types.begin(), types.end());
    for (auto& type : words) type.erase(0, 1);
    const auto is_begun = [&](std::string_view type) { return type.starts_with(word); };
    return std::any_of(words.begin(), words.end(), is_begun) || nearest_word(word, words).has_value();
}

bool is_sidekick(std::string_view unit_name) noexcept {
    return unit_name.find(sidekick_mark) != std::string_view::npos;
}

bool is_template(std::string_view unit_name) noexcept {
    const auto at = unit_name.find('@');
    return at != std::string_view::npos && at + 1 == type_offset(unit_name);
}

std::string_view instance_of(std::string_view unit_name) noexcept {
    const auto stem = without_type(unit_name);
    const auto at = stem.find('@');
    return at == std::string_view::npos ? std::string_view() : stem.substr(at + 1);
}

std::string with_instance(std::string_view template_name, std::string_view instance) {
    std::string name(template_name);
    const auto at = name.find('@');
    return at == std::string::npos ? name : name.insert(at + 1, instance);
}

bool numeric_less(std::string_view left, std::string_view right) noexcept {
    const int order = compare_by_value(left, right);
    return order != 0 ? order < 0 : left < right;
}

}  // namespace deployer
