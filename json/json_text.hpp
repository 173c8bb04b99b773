#pragma once

#include <string>
#include <string_view>

namespace deployer::json {

/// White space between the parts of a JSON text.
enum class Spacing {
    none,    ///< {"a":"b","c":"d"}, for programs
    people,  ///< {"a": "b", "c": "d"}
};

/// Appends the text as a JSON string. Bytes beyond ASCII stay as they are, so UTF-8 stays UTF-8.
void append_text(std::string& out, std::string_view text);

/// Appends "key": "text".
void append_member(std::string& out, std::string_view key, std::string_view text, Spacing spacing = Spacing::none);

/// Appends the comma between two parts.
void append_comma(std::string& out, Spacing spacing = Spacing::none);

}  // namespace deployer::json
