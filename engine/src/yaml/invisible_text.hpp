#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace deployer {

/// A character that is invisible, or looks like a space but is no space to YAML.
struct InvisibleCharacter {
    std::size_t offset = 0;  ///< in bytes
    std::size_t size = 0;    ///< in bytes
    std::string name;        ///< for messages: "U+FEFF (byte order mark)"
};

/// The first such character in UTF-8 text: Unicode white space beyond ASCII, format characters, fillers, and control
/// characters of Latin-1. Control characters of ASCII are not searched for.
std::optional<InvisibleCharacter> find_invisible(std::string_view text);

}  // namespace deployer
