#include "cli/settings_table.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <sstream>
#include <string_view>
#include <vector>

namespace deployer {
namespace {

using Kind = SettingType::Kind;

/// The words as "a, b or c".
std::string alternatives(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
        text += words[i];
    }
    return text;
}

/// The type of an integer setting, with its bounds. A bound that every long long meets is left out.
std::string integer_text(const SettingType& type) {
    const bool has_least = type.least != std::numeric_limits<long long>::min();
    // A limit that only comes from the C++ type int means nothing to a reader, so the table leaves it out.
    const bool has_most = type.most < std::numeric_limits<int>::max();
    std::string text = "whole number";
    if (has_least && has_most) return text + ", " + std::to_string(type.least) + " to " + std::to_string(type.most);
    if (has_least) return text + ", at least " + std::to_string(type.least);
    return has_most ? text + ", at most " + std::to_string(type.most) : text;
}

std::string choice_text(const SettingType& type) {
    std::vector<std::string> words;
    for (const auto& word : type.words) words.push_back("`" + word + "`");
    return alternatives(words);
}

std::string type_text(const SettingType& type) {
    switch (type.kind) {
        case Kind::text:
            return "text";
        case Kind::integer:
            return integer_text(type);
        case Kind::boolean:
            return "boolean";
        case Kind::duration:
            return "duration";
        case Kind::path:
            return "path";
        case Kind::texts:
            return "list of texts";
        case Kind::choice:
            return choice_text(type);
        case Kind::secret:
            return "secret";
        case Kind::block:
            return "block";
        case Kind::blocks:
            return "list of blocks";
        case Kind::tree:
            return "anything";
    }
    return "";
}

std::string types_of(const SettingDescription& setting) {
    std::vector<std::string> types;
    for (const auto& type : setting.types) types.push_back(type_text(type));
    return alternatives(types);
}

/// The text for the column "default". A block has none of its own; its keys have theirs.
std::string default_of(const SettingDescription& setting) {
    if (!setting.default_value.empty()) return setting.default_value;
    if (setting.required) return "required";
    const bool is_block = setting.types.size() == 1 && setting.types.front().kind == Kind::block;
    return is_block ? "" : "none";
}

bool is_secret(const SettingDescription& setting) {
    return std::any_of(setting.types.begin(), setting.types.end(),
                       [](const SettingType& type) { return type.kind == Kind::secret; });
}

std::vector<SettingDescription> plugin_settings(const Settings& settings) {
    auto known = settings.described();
    std::erase_if(known, [](const SettingDescription& one) { return one.path == "plugin"; });
    return known;
}

/// The text of a table cell. A bar is escaped, since it would end the cell, also between backticks.
std::string cell(std::string_view text) {
    std::string cell;
    for (const char letter : text) cell.append(letter == '|' ? "\\" : "").append(1, letter);
    return cell.empty() ? " " : " " + cell + " ";
}

std::string row(const std::array<std::string, 4>& cells) {
    std::string row = "|";
    for (const auto& one : cells) row += cell(one) + "|";
    return row + "\n";
}

std::string markdown_key(const SettingDescription& setting) {
    const auto key = "`" + setting.path + "`";
    return is_secret(setting) ? key + ", `" + setting.path + "_file`" : key;
}

std::string without_backticks(std::string text) {
    std::erase(text, '`');
    return text;
}

/// How many characters of UTF-8 the text has; continuation bytes do not count.
std::size_t shown_size(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; }));
}

std::string wrapped(const std::string& text, std::string_view margin, std::size_t width) {
    std::istringstream words(text);
    std::string lines;
    std::size_t used = 0;
    for (std::string word; words >> word;) {
        const bool fits = used > 0 && used + 1 + shown_size(word) <= width;
        if (!fits) lines.append(used > 0 ? "\n" : "").append(margin);
        if (fits) lines += ' ';
        used = (fits ? used + 1 : margin.size()) + shown_size(word);
        lines += word;
    }
    return lines.empty() ? lines : lines + "\n";
}

std::string text_key(const SettingDescription& setting) {
    return is_secret(setting) ? setting.path + ", " + setting.path + "_file" : setting.path;
}

}  // namespace

std::string settings_as_markdown(const Settings& settings) {
    std::string table = row({"key", "type", "default", "meaning"}) + "| --- | --- | --- | --- |\n";
    for (const auto& setting : plugin_settings(settings)) {
        table += row({markdown_key(setting), types_of(setting), default_of(setting), setting.meaning});
    }
    return table;
}

std::string settings_as_text(const Settings& settings, std::size_t width) {
    const auto known = plugin_settings(settings);
    std::size_t key_width = 0;
    for (const auto& setting : known) key_width = std::max(key_width, text_key(setting).size());
    std::string text;
    for (const auto& setting : known) {
        const auto key = text_key(setting);
        auto line = key + std::string(key_width - key.size() + 2, ' ') + without_backticks(types_of(setting));
        const auto absent = without_backticks(default_of(setting));
        if (absent == "required")
            line += "; required";
        else if (!absent.empty())
            line += "; default: " + absent;
        text += line + "\n" + wrapped(setting.meaning, "    ", width);
    }
    return text;
}

}  // namespace deployer
