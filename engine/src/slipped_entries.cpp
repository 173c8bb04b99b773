#include "slipped_entries.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>

namespace deployer {
namespace {

constexpr std::string_view key = "name";
constexpr std::size_t longest_name = 256;
constexpr std::string_view blanks = " \t\r\n";

bool is_of_word(char byte) {
    return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_' || byte == '.';
}

bool is_of_unit_name(char byte) {
    return is_of_word(byte) || byte == ':' || byte == '\\' || byte == '@' || byte == '-';
}

/// Whether a word begins behind `before`: a dash may begin an item, or be part of a word such as `host-name`.
bool begins_word(std::string_view before) {
    const bool is_joined = before.ends_with('-') && before.size() > 1 && is_of_word(before[before.size() - 2]);
    return before.empty() || (!is_joined && !is_of_word(before.back()));
}

void skip(std::string_view& text, std::string_view characters) {
    text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
}

/// An anchor or a tag before a value.
void skip_properties(std::string_view& text) {
    while (text.starts_with('&') || text.starts_with('!')) {
        text.remove_prefix(std::min(text.find_first_of(blanks), text.size()));
        skip(text, blanks);
    }
}

/// The unit that is named by what follows the word `name`.
std::optional<std::string> unit_after_key(std::string_view text) {
    skip(text, "\"'");
    skip(text, blanks);
    if (!text.starts_with(':')) return std::nullopt;
    text.remove_prefix(1);
    skip(text, blanks);
    skip_properties(text);
    skip(text, "\"'");
    text = text.substr(0, longest_name + 1);
    const auto* const end = std::find_if_not(text.begin(), text.end(), is_of_unit_name);
    std::string unit(text.begin(), end);
    return unit_name_problem(unit) ? std::nullopt : std::optional(std::move(unit));
}

/// Whether a key in a comment comes behind other words than those of an entry: `before` is its line up to there.
bool is_run_into(std::string_view before) {
    skip(before, "# \t-?{\"'");
    const auto last = before.find_last_not_of(" \t\"'");
    return last != std::string_view::npos && before[last] != ',';
}

/// Whether what stands behind `line_before`, in the same line, was commented out.
bool is_commented_out(std::string_view line_before) {
    auto start = line_before;
    skip(start, " \t");
    return start.starts_with('#') && !is_run_into(line_before);
}

}  // namespace

std::vector<NameInText> names_in_text(std::string_view text) {
    std::vector<NameInText> names;
    int line = 1;
    std::size_t line_start = 0;
    for (auto at = text.find(key); at != std::string_view::npos; at = text.find(key, at + key.size())) {
        const auto before = text.substr(line_start, at - line_start);
        if (const auto newline = before.rfind('\n'); newline != std::string_view::npos) {
            line += static_cast<int>(std::count(before.begin(), before.end(), '\n'));
            line_start += newline + 1;
        }
        const auto line_before = text.substr(line_start, at - line_start);
        if (!begins_word(line_before) || is_commented_out(line_before)) continue;
        if (auto unit = unit_after_key(text.substr(at + key.size()))) names.push_back({*std::move(unit), line});
    }
    return names;
}

}  // namespace deployer
