#include <deployer/unit_file.hpp>

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>

namespace deployer {

namespace {

/// White space by Go's definition: fleet drops it at the ends of lines, names and values when it reads a stored unit
/// back. systemd's own set is the first four.
constexpr auto white_space = std::to_array<std::string_view>(
    {" ",      "\t",     "\r",     "\n",     "\v",     "\f",     "\u0085", "\u00A0", "\u1680",
     "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
     "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000"});

[[noreturn]] void reject(int line, const std::string& problem) {
    throw Error(ErrorKind::rejected, "line " + std::to_string(line) + ": " + problem);
}

bool is_visible_ascii(char byte) {
    return byte > ' ' && byte < '\x7f';
}

/// The length in bytes of the white space character that the text begins with, or 0.
std::size_t white_space_at_start(std::string_view text) {
    if (text.empty() || is_visible_ascii(text.front())) return 0;
    const auto* const found = std::find_if(white_space.begin(), white_space.end(),
                                           [&](std::string_view character) { return text.starts_with(character); });
    return found == white_space.end() ? 0 : found->size();
}

std::size_t white_space_at_end(std::string_view text) {
    if (text.empty() || is_visible_ascii(text.back())) return 0;
    const auto* const found = std::find_if(white_space.begin(), white_space.end(),
                                           [&](std::string_view character) { return text.ends_with(character); });
    return found == white_space.end() ? 0 : found->size();
}

std::string_view strip_start(std::string_view text) {
    while (const auto length = white_space_at_start(text)) text.remove_prefix(length);
    return text;
}

std::string_view strip(std::string_view text) {
    text = strip_start(text);
    while (const auto length = white_space_at_end(text)) text.remove_suffix(length);
    return text;
}

/// Whether the text ends in an odd number of backslashes. A pair stands for one backslash; a single last backslash
/// joins the next line.
bool ends_in_open_backslash(std::string_view text) {
    const auto last_other = text.find_last_not_of('\\');
    const auto count = last_other == std::string_view::npos ? text.size() : text.size() - last_other - 1;
    return count % 2 == 1;
}

bool is_comment(std::string_view line) {
    line = strip_start(line);
    return line.starts_with('#') || line.starts_with(';');
}

/// Whether systemd takes the option's value as one text, in which a quote is an ordinary character. `line` is the first
/// line of the option.
bool is_of_plain_text(std::string_view line) {
    constexpr auto names = std::to_array<std::string_view>({"Description", "SyslogIdentifier"});
    constexpr auto families = std::to_array<std::string_view>({"Condition", "Assert", "X-"});
    const auto name = strip(line.substr(0, line.find('=')));
    return std::find(names.begin(), names.end(), name) != names.end() ||
           std::any_of(families.begin(), families.end(), [&](auto family) { return name.starts_with(family); });
}

/// Tracks whether a value is inside quotes, by the rules of systemd for dividing a value into words.
class QuoteTracker {
public:
    /// Takes quotes from here on as ordinary characters, as in a `Description=`.
    void ignore_quotes() { ignores_ = true; }

    void read(std::string_view text) {
        if (ignores_) return;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const char byte = text[i];
            if (byte == '\\') {
                ++i;
            } else if (open_ ? byte == *open_ : byte == '"' || byte == '\'') {
                open_ = open_ ? std::nullopt : std::optional(byte);
            }
        }
    }

    [[nodiscard]] bool is_open() const { return open_.has_value(); }

private:
    std::optional<char> open_;
    bool ignores_ = false;
};

/// A line with the lines that continue it joined. The text is valid until the next line is read.
struct LogicalLine {
    int number = 0;  ///< number of its first physical line
    std::string_view text;
    int last_number = 0;
    std::string_view last_part;
};

class LineReader {
public:
    explicit LineReader(std::string_view text) : rest_(text) {
        if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
    }

    std::optional<LogicalLine> next() {
        bool continued = false;
        int first = 0;
        QuoteTracker quotes;
        joined_.clear();
        while (const auto line = next_physical()) {
            if (is_comment(*line)) {
                if (quotes.is_open()) reject_comment_in_quotes(*line);
                continue;
            }
            check_characters(*line);
            if (!continued) first = number_;
            if (!ends_in_open_backslash(*line)) {
                return LogicalLine{first, continued ? joined_.append(*line) : *line, number_, *line};
            }
            if (!continued && is_of_plain_text(*line)) quotes.ignore_quotes();
            continued = true;
            const auto part = line->substr(0, line->size() - 1);
            quotes.read(part);
            joined_.append(part).append(1, ' ');
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

    /// systemd drops such a line, but the author may have meant the line as a part of the quoted text.
    [[noreturn]] void reject_comment_in_quotes(std::string_view line) const {
        reject(number_, "begins with " + quote(strip_start(line).substr(0, 1)) +
                            " inside quoted text that goes on; put it at the end of the line before");
    }

    void check_characters(std::string_view line) const {
        if (find_invalid_utf8(line)) reject(number_, "not UTF-8 text");
        if (line.find('\r') != std::string_view::npos) reject(number_, "a carriage return without a newline");
    }

    std::string_view rest_;
    std::string joined_;
    int number_ = 0;
};

void check_size(const LogicalLine& line, const std::string& what, std::size_t size) {
    if (size < unit_line_limit) return;
    reject(line.number, what + " takes " + std::to_string(size) + " bytes, but must take less than " +
                            std::to_string(unit_line_limit));
}

std::string_view read_section(const LogicalLine& line, std::string_view header) {
    const auto name = header.substr(1, header.find(']') - 1);
    if (name.empty() || name.size() + 2 != header.size() || name != strip(name)) {
        reject(line.number, "it begins with \"[\", but is no section header such as [Service]");
    }
    check_size(line, "the section header", header.size());
    return name;
}

/// When the options are written as text again, a backslash at the end of a value would join the next line to the value.
void refuse_backslash_at_end(const LogicalLine& line, std::string_view value) {
    if (!ends_in_open_backslash(value)) return;
    if (!line.last_part.ends_with('\\') && strip(line.last_part).ends_with('\\')) {
        reject(line.last_number,
               "there is white space after the backslash, so the value does not go on in the next line");
    }
    reject(line.number, "the value ends in a backslash, which would join it with the next line when it is read back");
}

UnitOption read_option(const LogicalLine& line, std::string_view text, std::string_view section) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) {
        reject(line.number, "it is no option: there is no \"=\" in it");
    }
    const auto name = strip(text.substr(0, equals));
    if (name.empty()) reject(line.number, "the name before \"=\" is missing");
    if (section.empty()) reject(line.number, "option " + quote(name) + " stands before any section");
    const auto value = strip(text.substr(equals + 1));
    refuse_backslash_at_end(line, value);
    check_size(line, "option " + quote(name), name.size() + 1 + value.size());
    return {std::string(section), std::string(name), std::string(value)};
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

void append_as_it_is(std::string& text, std::string_view value) {
    text += value;
}

/// Writes the options as unit file text; `append_value` writes a single value.
std::string serialise(std::span<const UnitOption> options, void (*append_value)(std::string&, std::string_view)) {
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

/// The length in bytes of the white space at the start; a backslash before a newline counts as white space.
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
    const auto start = text.size();
    while (!value.empty()) {
        if (const auto length = leading_white_space(value); length > 0) {
            value.remove_prefix(length);
            text += ' ';
            continue;
        }
        // A pair of backslashes stands for one backslash, which joins no line.
        const auto plain = std::min(value.find_first_of(" \t\r\n\f\v\\"), value.size());
        const std::size_t length = plain > 0 ? plain : value.starts_with("\\\\") ? 2 : 1;
        text += value.substr(0, length);
        value.remove_prefix(length);
    }
    const auto collapsed = std::string_view(text).substr(start);
    const auto front = collapsed.size() - strip_start(collapsed).size();
    text.erase(start + strip(collapsed).size() + front);
    text.erase(start, front);
}

std::string sha1(const std::string& text) {
    Poco::SHA1Engine engine;
    engine.update(text);
    return Poco::DigestEngine::digestToHex(engine.digest());
}

}  // namespace

std::vector<UnitOption> parse_unit_file(std::string_view text) {
    if (const auto offset = text.find('\0'); offset != std::string_view::npos) {
        reject(line_at(text, offset), "a NUL byte");
    }
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
    return serialise(options, append_as_it_is);
}

std::string unit_file_hash(std::span<const UnitOption> options) {
    return sha1(write_unit_file(options));
}

std::string content_digest(std::span<const UnitOption> options) {
    return sha1(serialise(options, append_collapsed));
}

}  // namespace deployer
