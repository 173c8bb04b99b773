#include <deployer/foreign_text.hpp>

#include <algorithm>

namespace deployer {

namespace {

constexpr std::size_t longest_quote = 80;

constexpr unsigned byte_at(std::string_view text, std::size_t offset) noexcept {
    return static_cast<unsigned char>(text[offset]);
}

/// Bytes of the character that starts at `offset`, or 0 when there is none (Unicode, table 3-7).
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

/// Control characters of ASCII and of Latin-1, which terminals obey as well.
bool is_control(std::string_view character) noexcept {
    const unsigned first = byte_at(character, 0);
    if (character.size() == 1) return first < 0x20U || first == 0x7FU;
    return character.size() == 2 && first == 0xC2U && byte_at(character, 1) < 0xA0U;
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

/// Appends the character at `offset`, or what stands for it. Returns how many bytes of `text` that was.
std::size_t append_printable(std::string& out, std::string_view text, std::size_t offset) {
    const auto length = character_length(text, offset);
    const auto character = text.substr(offset, std::max<std::size_t>(length, 1));
    if (length == 0 || is_control(character)) {
        append_escaped(out, character);
    } else {
        out += character;
    }
    return character.size();
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
    for (std::size_t offset = 0; offset < text.size();) offset += append_printable(out, text, offset);
    return out;
}

std::string quote(std::string_view text) {
    std::string out = "\"";
    for (std::size_t offset = 0; offset < text.size();) {
        if (out.size() > longest_quote) {
            out += "…";
            break;
        }
        offset += append_printable(out, text, offset);
    }
    return out += '"';
}

}  // namespace deployer
