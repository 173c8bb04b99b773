#include "yaml/yaml_text.hpp"

#include "yaml/invisible_text.hpp"
#include "yaml/yaml_rejection.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <cstddef>

namespace deployer {
namespace {

/// Refuses bytes that YAML does not allow. yaml-cpp takes text with NULs for UTF-16 and ends the text at an EOT, so
/// what follows would be lost.
void check_characters(const std::string& file, std::string_view text) {
    if (const auto offset = find_invalid_utf8(text)) {
        reject_yaml(file, line_at(text, *offset), "not UTF-8 text");
    }
    const auto* const bad = std::find_if(text.begin(), text.end(), [&](const char& byte) {
        const auto value = static_cast<unsigned char>(byte);
        if (byte == '\r') return &byte == &text.back() || *(&byte + 1) != '\n';
        return value == 0x7FU || (value < 0x20U && byte != '\n' && byte != '\t');
    });
    if (bad == text.end()) return;
    const auto offset = static_cast<std::size_t>(bad - text.begin());
    const auto line = line_at(text, offset);
    if (*bad == '\0') reject_yaml(file, line, "a NUL byte");
    if (*bad == '\r') reject_yaml(file, line, "a carriage return without a newline");
    reject_yaml(file, line, "the control character " + quote(text.substr(offset, 1)));
}

/// Refuses an indentation that is none, and an item that does not begin where it seems to: yaml-cpp takes a character
/// that is not seen for the first one of a text.
void check_line_starts(const std::string& file, std::string_view text) {
    int line = 1;
    for (auto rest = text; !rest.empty(); ++line) {
        const auto end = rest.find('\n');
        auto start = rest.substr(0, end);
        start.remove_prefix(std::min(start.find_first_not_of(" \t-?:{[,"), start.size()));
        const auto found = find_invisible(start);
        if (found && found->offset == 0) reject_yaml(file, line, problem_of(*found));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
}

/// yaml-cpp holds back all of a [ or { that might yet turn out to be a key, before our handler can count its values.
void check_flow_size(const std::string& file, std::string_view text, const YamlBudget& budget) {
    const auto parts =
        std::count_if(text.begin(), text.end(), [](char byte) { return byte == ',' || byte == '[' || byte == '{'; });
    if (static_cast<std::size_t>(parts) > budget.nodes) {
        reject_yaml(file, "more than " + std::to_string(budget.nodes) + " commas and brackets");
    }
}

/// The text without a line "..." that ends it, and the comments after that.
std::string_view without_end_marker(std::string_view text) {
    auto end = text.size();
    for (auto rest = text; !rest.empty();) {
        const auto start = rest.substr(0, rest.size() - 1).rfind('\n') + 1;
        const auto line = rest.substr(start);
        const auto words = line.substr(0, line.find_last_not_of(" \t\r\n") + 1);
        const bool is_comment = words.empty() || words[words.find_first_not_of(" \t")] == '#';
        if (words == "...") {
            end = start;
        } else if (!is_comment) {
            break;
        }
        rest = rest.substr(0, start);
    }
    return text.substr(0, end);
}

}  // namespace

void check_yaml_text(const std::string& file, std::string_view text, const YamlBudget& budget) {
    check_characters(file, text);
    check_line_starts(file, text);
    check_flow_size(file, text, budget);
}

std::string prepare_yaml_text(std::string_view text) {
    std::string out(without_end_marker(text));
    out.erase(std::remove(out.begin(), out.end(), '\r'), out.end());
    if (!out.ends_with('\n')) out += '\n';
    // Without the comment yaml-cpp takes a last line that is no key ("version:v1") for a key without a value. Without
    // the end marker it takes the end of the file for a closing quote, and swallows all that follows an unclosed one.
    return out += "#\n...\n";
}

}  // namespace deployer
