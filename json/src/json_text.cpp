#include "json_text.hpp"

#include <Poco/JSONString.h>

namespace deployer::json {
namespace {

void append_readable(std::string& out, std::string_view text) {
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

}  // namespace

void append_text(std::string& out, std::string_view text, Style style) {
    if (style == Style::readable) return append_readable(out, text);
    out += Poco::toJSON(std::string(text));
}

void append_member(std::string& out, std::string_view key, std::string_view text, Style style) {
    out.append(1, '"').append(key).append(style == Style::readable ? "\": " : "\":");
    append_text(out, text, style);
}

void append_comma(std::string& out, Style style) {
    out += style == Style::readable ? ", " : ",";
}

}  // namespace deployer::json
