#include "yaml/yaml_mistake.hpp"

#include "yaml/invisible_text.hpp"
#include "yaml/lines.hpp"
#include "yaml/yaml_rejection.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <optional>
#include <utility>

namespace deployer {
namespace {

/// Messages of yaml-cpp, and words in their place that lead to the mistake. The keys are the beginnings of messages,
/// for some messages go on with the text in question.
constexpr auto explanations = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"illegal map value",
     "a key cannot stand here; its indentation differs from the lines before, or a text with \": \" in it needs "
     "quotes"},
    {"end of map not found", "this fits no block that is open here; check the indentation and the quotes"},
    {"end of sequence not found", "this fits no list that is open here; check the indentation"},
    {"end of map flow not found", "a { is not closed, or a comma is missing"},
    {"end of sequence flow not found", "a [ is not closed, or a comma is missing"},
    {"illegal flow end", "nothing is open that this ] or } could close"},
    {"illegal block entry", "a list item (\"- \") cannot stand here"},
    {"illegal map key", "a key cannot stand here"},
    {"illegal tab when", "indented with a tab; use spaces"},
    {"unknown token", "a text cannot begin with this character; put it in quotes"},
    {"unexpected character in block scalar", "nothing may follow a | or > that begins a text"},
    {"the referenced anchor is not defined",
     "no anchor (&) of this name stands before; a text that begins with * needs quotes"},
    {"alias not found", "a text that begins with * needs quotes"},
    {"illegal character found while scanning alias", "a text that begins with * needs quotes"},
    {"anchor not found", "a text that begins with & needs quotes"},
    {"illegal character found while scanning anchor", "a text that begins with & needs quotes"},
    {"unknown escape character", "an unknown escape sequence; in single quotes a backslash is just a backslash"},
    {"bad character found while scanning hex number",
     "an unfinished escape sequence; in single quotes a backslash is just a backslash"},
    {"invalid unicode", "an escape sequence that is no character"},
    {"bad file", "it cannot be read as text"},
});

std::string explain(const std::string& message) {
    const auto* const found = std::find_if(explanations.begin(), explanations.end(), [&](const auto& explanation) {
        return message.starts_with(explanation.first);
    });
    return "not valid YAML: " + (found == explanations.end() ? message : std::string(found->second));
}

/// The key of a line such as `version:1.0`, else empty.
std::string_view key_without_space(std::string_view line) {
    while (line.starts_with(' ') || line.starts_with("- ")) line.remove_prefix(1);
    const auto is_of_key = [](unsigned char byte) { return std::isalnum(byte) != 0 || byte == '_' || byte == '-'; };
    const auto* const end = std::find_if_not(line.begin(), line.end(), is_of_key);
    const auto length = static_cast<std::size_t>(end - line.begin());
    const bool is_it = length > 0 && length + 1 < line.size() && line[length] == ':' && line[length + 1] != ' ' &&
                       line[length + 1] != '/' && line[length + 1] != '\r';
    return is_it ? line.substr(0, length + 1) : std::string_view();
}

/// yaml-cpp notices a missing space only at the next key, where nothing looks wrong.
std::optional<YamlMistake> find_missing_space(std::string_view text, int line) {
    for (int i = line; i > 0 && i > line - 2; --i) {
        const auto key = key_without_space(text_of_line(text, i));
        if (!key.empty()) return YamlMistake{i, "not valid YAML: is a space missing after " + quote(key) + "?"};
    }
    return std::nullopt;
}

/// The line on which a quote was opened that is never closed: the last quote of its kind, if a value begins there.
std::optional<int> line_of_open_quote(std::string_view text) {
    std::optional<int> line;
    for (const char mark : {'"', '\''}) {
        const auto offset = text.rfind(mark);
        if (offset == std::string_view::npos) continue;
        const auto before = text.substr(0, offset).find_last_not_of(" \t");
        const bool opens = before == std::string_view::npos ||
                           std::string_view("\n:-,[{?").find(text[before]) != std::string_view::npos;
        if (!opens) continue;
        const auto found = line_at(text, offset);
        line = line ? std::min(*line, found) : found;
    }
    return line;
}

}  // namespace

YamlMistake explain_mistake(std::string_view text, const std::string& message, int line) {
    const auto last_line = line_at(text, text.find_last_not_of(" \t\r\n"));
    line = std::clamp(line, 1, last_line);
    if (message.ends_with("in scalar")) {
        const auto end = line == last_line ? text.size() : offset_of_line(text, line);
        return {line_of_open_quote(text.substr(0, end)).value_or(line),
                "not valid YAML: a quote is opened but never closed"};
    }
    const auto beginning = text_of_line(text, line);
    const auto first = beginning.find_first_not_of(' ');
    if (first != std::string_view::npos && beginning[first] == '\t') {
        return {line, "not valid YAML: indented with a tab; use spaces"};
    }
    if (const auto found = find_invisible(beginning)) return {line, problem_of(*found)};
    if (const auto mistake = find_missing_space(text, line)) return *mistake;
    if (message == "end of map not found" && beginning.find(':') == std::string_view::npos) {
        return {line, "not valid YAML: a key with a value (\"key: value\") is expected here"};
    }
    return {line, explain(message)};
}

}  // namespace deployer
