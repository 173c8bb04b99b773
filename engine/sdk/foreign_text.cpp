#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <span>

namespace deployer {

namespace {

constexpr std::size_t longest_quote = 80;

constexpr unsigned byte_at(std::string_view text, std::size_t offset) noexcept {
    return static_cast<unsigned char>(text[offset]);
}

/// The length in bytes of the character that starts at `offset`; 0 when no valid character starts there (Unicode,
/// table 3-7).
std::size_t character_length(std::string_view text, std::size_t offset) noexcept {
    const unsigned lead = byte_at(text, offset);
    if (lead < 0x80U) return 1;
    if (lead < 0xC2U || lead > 0xF4U) return 0;
    const std::size_t length = lead < 0xE0U ? 2 : lead < 0xF0U ? 3 : 4;
    if (text.size() - offset < length) return 0;
    const unsigned least = lead == 0xE0U ? 0xA0U : lead == 0xF0U ? 0x90U : 0x80U;
    const unsigned most = lead == 0xEDU ? 0x9FU : lead == 0xF4U ? 0x8FU : 0xBFU;
    if (byte_at(text, offset + 1) < least || byte_at(text, offset + 1) > most) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte_at(text, offset + i) & 0xC0U) != 0x80U) return 0;
    }
    return length;
}

/// The code point of a complete, valid character.
std::uint32_t code_point(std::string_view character) noexcept {
    if (character.size() == 1) return byte_at(character, 0);
    std::uint32_t point = byte_at(character, 0) & (0x7FU >> character.size());
    for (std::size_t i = 1; i < character.size(); ++i) point = point << 6U | (byte_at(character, i) & 0x3FU);
    return point;
}

struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

/// Control characters of ASCII and of Latin-1, which terminals obey as well, and characters that are invisible, end a
/// line, or change the direction of the text around them.
constexpr auto controls = std::to_array<Range>({{0x00, 0x1F},
                                                {0x7F, 0x9F},
                                                {0xAD, 0xAD},
                                                {0x61C, 0x61C},
                                                {0x200B, 0x200F},
                                                {0x2028, 0x202E},
                                                {0x2060, 0x206F},
                                                {0xFEFF, 0xFEFF}});

/// White space that a person sees as a space or not at all, but that the parser of the text does not take for a space.
constexpr auto odd_spaces = std::to_array<Range>({{0xA0, 0xA0},
                                                  {0x1680, 0x1680},
                                                  {0x180E, 0x180E},
                                                  {0x2000, 0x200A},
                                                  {0x202F, 0x202F},
                                                  {0x205F, 0x205F},
                                                  {0x2800, 0x2800},
                                                  {0x3000, 0x3000},
                                                  {0x3164, 0x3164}});

bool is_within(std::span<const Range> ranges, std::uint32_t point) noexcept {
    return std::any_of(ranges.begin(), ranges.end(),
                       [=](const Range& range) { return range.first <= point && point <= range.last; });
}

enum class Escape { harmful, unseen_as_well };

bool must_be_escaped(std::uint32_t point, Escape what) noexcept {
    return is_within(controls, point) || (what == Escape::unseen_as_well && is_within(odd_spaces, point));
}

void append_escaped(std::string& out, std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        out += "\\x";
        out += digits[value >> 4U];
        out += digits[value & 0xFU];
    }
}

/// Appends the character at `offset`, or its escape. Returns the number of bytes of `text` that were taken.
std::size_t append_printable(std::string& out, std::string_view text, std::size_t offset, Escape what) {
    const auto length = character_length(text, offset);
    const auto character = text.substr(offset, std::max<std::size_t>(length, 1));
    if (length == 0 || must_be_escaped(code_point(character), what)) {
        append_escaped(out, character);
    } else {
        out += character;
    }
    return character.size();
}

/// The offset of the part of a uri that can hold user and password; 0 for text without such a part, such as a path. The
/// function takes malformed uris as well, so it rather finds such a part where there is none.
std::size_t authority_offset(std::string_view uri) noexcept {
    const auto is_of_scheme = [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.'; };
    const auto* const end = std::find_if_not(uri.begin(), uri.end(), is_of_scheme);
    const auto length = static_cast<std::size_t>(end - uri.begin());
    const bool has_scheme = length > 0 && uri.substr(length).starts_with(':');
    if (!has_scheme && !uri.starts_with("//")) return 0;
    const auto after_scheme = has_scheme ? length + 1 : 0;
    return std::min(uri.find_first_not_of('/', after_scheme), uri.size());
}

/// Whether the text after the last colon of the authority is no port. A password with a "/", "?" or "#" in it is cut
/// there, and leaves an authority such as "user:pass".
bool has_odd_port(std::string_view authority) noexcept {
    const auto colon = authority.rfind(':');
    if (colon == std::string_view::npos || authority.ends_with(']')) return false;
    return authority.find_first_not_of("0123456789", colon + 1) != std::string_view::npos;
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept {
    std::size_t offset = 0;
    while (offset < text.size()) {
        const auto length = character_length(text, offset);
        if (length == 0) return offset;
        offset += length;
    }
    return std::nullopt;
}

int line_at(std::string_view text, std::size_t offset) noexcept {
    const auto before = text.substr(0, offset);
    return 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t offset = 0; offset < text.size();) {
        offset += append_printable(out, text, offset, Escape::harmful);
    }
    return out;
}

std::string quote(std::string_view text) {
    const bool has_double = text.find('"') != std::string_view::npos;
    const bool has_both = has_double && text.find('\'') != std::string_view::npos;
    const char mark = has_double && !has_both ? '\'' : '"';
    std::string out(1, mark);
    for (std::size_t offset = 0; offset < text.size();) {
        if (out.size() > longest_quote) {
            out += "…";
            break;
        }
        if (has_both && text[offset] == '"') out += '\\';
        offset += append_printable(out, text, offset, Escape::unseen_as_well);
    }
    return out += mark;
}

std::string presentable_uri(std::string_view uri) {
    uri = uri.substr(0, uri.find_first_of("?#"));
    const auto start = authority_offset(uri);
    if (start == 0) return printable(uri);
    const auto scheme = printable(uri.substr(0, start));
    const auto rest = uri.substr(start);
    const auto authority = rest.substr(0, rest.find('/'));
    const auto user_end = authority.rfind('@') + 1;
    if (has_odd_port(authority.substr(user_end))) {
        return scheme + "…" + printable(rest.substr(std::min(rest.rfind('@'), rest.size())));
    }
    return scheme + printable(rest.substr(user_end));
}

}  // namespace deployer
