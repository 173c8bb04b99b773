#include "json_text.hpp"

namespace deployer::json {

void append_text(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '"' || character == '\\') {
            out += '\\';
            out += character;
        } else if (character == '\n') {
            out += "\\n";
        } else if (character == '\t') {
            out += "\\t";
        } else if (byte < 0x20) {
            out += "\\u00";
            out += digits[byte / 16];
            out += digits[byte % 16];
        } else {
            out += character;
        }
    }
    out += '"';
}

void append_member(std::string& out, std::string_view key, std::string_view text, Spacing spacing) {
    append_text(out, key);
    out += spacing == Spacing::people ? ": " : ":";
    append_text(out, text);
}

void append_comma(std::string& out, Spacing spacing) {
    out += spacing == Spacing::people ? ", " : ",";
}

}  // namespace deployer::json
