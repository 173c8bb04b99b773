#include "yaml/invisible_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace deployer {
namespace {

struct Named {
    std::uint32_t first;
    std::uint32_t last;
    std::string_view name;
};

/// From UnicodeData.txt: categories Zs, Zl, Zp and Cf, Cc beyond ASCII, and characters that are drawn as nothing.
constexpr auto invisible = std::to_array<Named>({
    {0x80, 0x84, "control character"},
    {0x85, 0x85, "next line"},
    {0x86, 0x9F, "control character"},
    {0xA0, 0xA0, "no-break space"},
    {0xAD, 0xAD, "soft hyphen"},
    {0x34F, 0x34F, "combining grapheme joiner"},
    {0x61C, 0x61C, "arabic letter mark"},
    {0x115F, 0x1160, "hangul filler"},
    {0x1680, 0x1680, "ogham space mark"},
    {0x17B4, 0x17B5, "khmer inherent vowel"},
    {0x180B, 0x180D, "mongolian variation selector"},
    {0x180E, 0x180E, "mongolian vowel separator"},
    {0x180F, 0x180F, "mongolian variation selector"},
    {0x2000, 0x200A, "space of a fixed width"},
    {0x200B, 0x200B, "zero width space"},
    {0x200C, 0x200C, "zero width non-joiner"},
    {0x200D, 0x200D, "zero width joiner"},
    {0x200E, 0x200E, "left-to-right mark"},
    {0x200F, 0x200F, "right-to-left mark"},
    {0x2028, 0x2028, "line separator"},
    {0x2029, 0x2029, "paragraph separator"},
    {0x202A, 0x202E, "direction of writing"},
    {0x202F, 0x202F, "narrow no-break space"},
    {0x205F, 0x205F, "medium mathematical space"},
    {0x2060, 0x2060, "word joiner"},
    {0x2061, 0x2064, "invisible operator"},
    {0x2066, 0x2069, "direction of writing"},
    {0x206A, 0x206F, "format character"},
    {0x2800, 0x2800, "braille pattern blank"},
    {0x3000, 0x3000, "ideographic space"},
    {0x3164, 0x3164, "hangul filler"},
    {0xFE00, 0xFE0F, "variation selector"},
    {0xFEFF, 0xFEFF, "byte order mark"},
    {0xFFA0, 0xFFA0, "halfwidth hangul filler"},
    {0xFFF9, 0xFFFB, "interlinear annotation"},
    {0x1D173, 0x1D17A, "musical format character"},
    {0xE0000, 0xE007F, "tag character"},
    {0xE0100, 0xE01EF, "variation selector"},
});

/// How many bytes a character beyond ASCII has, by its first byte.
std::size_t size_of_character(char first) {
    const auto lead = static_cast<unsigned char>(first);
    return lead < 0xE0U ? 2 : lead < 0xF0U ? 3 : 4;
}

/// The code point of a character beyond ASCII.
std::uint32_t code_point(std::string_view character) {
    std::uint32_t point = static_cast<unsigned char>(character.front()) & (0x7FU >> character.size());
    for (const char byte : character.substr(1)) point = point << 6U | (static_cast<unsigned char>(byte) & 0x3FU);
    return point;
}

}  // namespace

std::optional<InvisibleCharacter> find_invisible(std::string_view text) {
    for (std::size_t offset = 0; offset < text.size(); ++offset) {
        // Skips ASCII, and bytes within a character.
        if (static_cast<unsigned char>(text[offset]) < 0xC2U) continue;
        const auto character = text.substr(offset, size_of_character(text[offset]));
        const auto point = code_point(character);
        const auto* const found = std::find_if(invisible.begin(), invisible.end(), [point](const Named& named) {
            return named.first <= point && point <= named.last;
        });
        if (found == invisible.end()) continue;
        std::array<char, 16> number{};
        std::snprintf(number.data(), number.size(), "U+%04X", static_cast<unsigned>(point));
        return InvisibleCharacter{offset, character.size(), number.data() + (" (" + std::string(found->name) + ")")};
    }
    return std::nullopt;
}

}  // namespace deployer
