#include <deployer/unit_file.hpp>

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

namespace deployer {

namespace {

constexpr std::string_view white_space = " \t\r\n";  // systemd's WHITESPACE

[[noreturn]] void reject(int line, const std::string& problem) {
    throw Error(ErrorKind::rejected, "line " + std::to_string(line) + ": " + problem);
}

std::string_view strip(std::string_view text) {
    const auto first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

/// An odd number of backslashes: each pair stands for a backslash, the last one takes the newline.
bool ends_in_open_backslash(std::string_view text) {
    const auto last_other = text.find_last_not_of('\\');
    const auto count = last_other == std::string_view::npos ? text.size() : text.size() - last_other - 1;
    return count % 2 == 1;
}

bool is_comment(std::string_view line) {
    const auto first = line.find_first_not_of(white_space);
    return first != std::string_view::npos && (line[first] == '#' || line[first] == ';');
}

/// What counts as one line once continuations are joined. The text is good until the next one is read.
struct LogicalLine {
    int number = 0;  ///< of its first part
    std::string_view text;
};

class LineReader {
public:
    explicit LineReader(std::string_view text) : rest_(text) {
        if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
    }

    std::optional<LogicalLine> next() {
        bool continued = false;
        int first = 0;
        joined_.clear();
        while (const auto line = next_physical()) {
            if (is_comment(*line)) continue;
            if (!continued) first = number_;
            if (ends_in_open_backslash(*line)) {
                continued = true;
                joined_.append(line->substr(0, line->size() - 1)).append(1, ' ');
                continue;
            }
            if (!continued) return LogicalLine{first, *line};
            return LogicalLine{first, joined_.append(*line)};
        }
        if (continued) reject(first, "the file ends after a backslash that promises another line");
        return std::nullopt;
    }

private:
    std::optional<std::string_view> next_physical() {
        if (rest_.empty()) return std::nullopt;
        ++number_;
        const auto end = rest_.find('\n');
        auto line = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }

    std::string_view rest_;
    std::string joined_;
    int number_ = 0;
};

std::string_view read_section(const LogicalLine& line, std::string_view header) {
    const auto name = header.substr(1, header.size() - 2);
    if (header.size() < 3 || header.back() != ']' || name != strip(name)) {
        reject(line.number, quote(header) + " is not a section header such as [Service]");
    }
    return name;
}

UnitOption read_option(const LogicalLine& line, std::string_view text, std::string_view section) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) {
        reject(line.number, quote(text) + " is no option: there is no \"=\" in it");
    }
    const auto name = strip(text.substr(0, equals));
    if (name.empty()) reject(line.number, "the name before \"=\" is missing");
    if (section.empty()) reject(line.number, "option " + quote(name) + " stands before any section");
    const auto value = strip(text.substr(equals + 1));
    const auto size = name.size() + 1 + value.size();
    if (size >= option_line_limit) {
        reject(line.number, "option " + quote(name) + " takes " + std::to_string(size) +
                                " bytes, but must take less than " + std::to_string(option_line_limit));
    }
    return {std::string(section), std::string(name), std::string(value)};
}

void check_characters(std::string_view text) {
    if (const auto offset = text.find('\0'); offset != std::string_view::npos) {
        reject(line_at(text, offset), "a NUL byte");
    }
    if (const auto offset = find_invalid_utf8(text)) reject(line_at(text, *offset), "not UTF-8 text");
}

using Section = std::pair<std::string_view, std::vector<const UnitOption*>>;

std::vector<Section> group_by_section(std::span<const UnitOption> options) {
    std::vector<Section> sections;
    std::unordered_map<std::string_view, std::size_t> places;
    for (const auto& option : options) {
        const auto [place, is_new] = places.emplace(option.section, sections.size());
        if (is_new) sections.emplace_back(option.section, std::vector<const UnitOption*>());
        sections[place->second].second.push_back(&option);
    }
    return sections;
}

/// `append_value(text, value)` writes a value as the purpose wants it.
template <class AppendValue>
std::string serialise(std::span<const UnitOption> options, AppendValue append_value) {
    std::string text;
    for (const auto& [section, members] : group_by_section(options)) {
        if (!text.empty()) text += '\n';
        text.append(1, '[').append(section).append("]\n");
        for (const auto* const option : members) {
            text.append(option->name).append(1, '=');
            append_value(text, option->value);
            text += '\n';
        }
    }
    return text;
}

void append_as_is(std::string& text, std::string_view value) {
    text += value;
}

/// Without the space, the next line would be taken for the rest of this one.
void append_closed(std::string& text, std::string_view value) {
    text += value;
    if (ends_in_open_backslash(value)) text += ' ';
}

/// Bytes of white space at the start; a backslash before a newline belongs to it.
std::size_t leading_white_space(std::string_view text) {
    std::size_t length = 0;
    while (length < text.size()) {
        const auto rest = text.substr(length);
        if (rest.starts_with("\\\n") || rest.starts_with("\\\r\n")) {
            length += 2;
        } else if (std::string_view(" \t\r\n\f\v").find(rest.front()) != std::string_view::npos) {
            length += 1;
        } else {
            break;
        }
    }
    return length;
}

void append_collapsed(std::string& text, std::string_view value) {
    value.remove_prefix(leading_white_space(value));
    while (!value.empty()) {
        if (const auto length = leading_white_space(value); length > 0) {
            value.remove_prefix(length);
            if (!value.empty()) text += ' ';
            continue;
        }
        // A pair of backslashes stands for one, which takes no newline.
        const auto plain = std::min(value.find_first_of(" \t\r\n\f\v\\"), value.size());
        const std::size_t length = plain > 0 ? plain : value.starts_with("\\\\") ? 2 : 1;
        text += value.substr(0, length);
        value.remove_prefix(length);
    }
}

std::string sha1(const std::string& text) {
    Poco::SHA1Engine engine;
    engine.update(text);
    return Poco::DigestEngine::digestToHex(engine.digest());
}

}  // namespace

std::vector<UnitOption> parse_unit_file(std::string_view text) {
    check_characters(text);
    std::vector<UnitOption> options;
    std::string section;
    LineReader reader(text);
    while (const auto line = reader.next()) {
        const auto content = strip(line->text);
        if (content.empty()) continue;
        if (content.front() == '[') {
            section = read_section(*line, content);
        } else {
            options.push_back(read_option(*line, content, section));
        }
    }
    if (options.empty()) throw Error(ErrorKind::rejected, "there is no option in it");
    return options;
}

std::string write_unit_file(std::span<const UnitOption> options) {
    return serialise(options, append_closed);
}

std::string unit_file_hash(std::span<const UnitOption> options) {
    return sha1(serialise(options, append_as_is));
}

std::string content_digest(std::span<const UnitOption> options) {
    return sha1(serialise(options, append_collapsed));
}

}  // namespace deployer
