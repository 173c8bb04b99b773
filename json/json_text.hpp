#pragma once

#include <string>
#include <string_view>

namespace deployer::json {

/// White space between the parts of a JSON text.
enum class Spacing {
    none,    ///< for programs: {"a":"b","c":"d"}
    people,  ///< for people: {"a": "b", "c": "d"}
};

/// Appends the text as a JSON string. Bytes beyond ASCII stay as they are, so UTF-8 stays UTF-8.
void append_text(std::string& out, std::string_view text);

/// Appends a member: "key": "text".
void append_member(std::string& out, std::string_view key, std::string_view text, Spacing spacing = Spacing::none);

/// Appends the comma between two members or items.
void append_comma(std::string& out, Spacing spacing = Spacing::none);

}  // namespace deployer::json
