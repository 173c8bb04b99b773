#pragma once

#include <string>
#include <string_view>

namespace deployer::json {

/// How a JSON text looks. A reader gets the same values from both styles. Files and peers keep the style they have,
/// byte for byte.
enum class Style {
    compact,   ///< {"a":"b","c":"\r\u001B"}, as Poco writes texts; for programs
    readable,  ///< {"a": "b", "c": "\u000d\u001b"}; for files that people edit
};

/// Appends the text as a JSON string. Bytes beyond ASCII stay as they are, so UTF-8 stays UTF-8.
void append_text(std::string& out, std::string_view text, Style style = Style::compact);

/// Appends "key": "text". The key is a name of a format, so nothing in it needs an escape.
void append_member(std::string& out, std::string_view key, std::string_view text, Style style = Style::compact);

/// Appends the comma between two parts.
void append_comma(std::string& out, Style style = Style::compact);

}  // namespace deployer::json
