#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace deployer {

/// A character that nobody sees, or that looks like a space and is none to YAML.
struct InvisibleCharacter {
    std::size_t offset = 0;  ///< in bytes
    std::size_t size = 0;    ///< in bytes
    std::string name;        ///< for messages: "U+FEFF (byte order mark)"
};

/// The first one in UTF-8 text: white space of Unicode other than ASCII's, format characters, fillers, and the control
/// characters of Latin-1 (those of ASCII are not looked for).
std::optional<InvisibleCharacter> find_invisible(std::string_view text);

}  // namespace deployer
