#pragma once

#include <deployer/export.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace deployer {

/// The offset of the first byte that begins no whole UTF-8 character in its shortest form; nullopt for valid UTF-8.
/// Surrogates and code points above U+10FFFF are no characters.
DEPLOYER_SDK_EXPORT std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept;

/// The number, counted from 1, of the line that holds the byte at `offset`.
DEPLOYER_SDK_EXPORT int line_at(std::string_view text, std::size_t offset) noexcept;

/// Foreign text on one line that cannot control a terminal. Control characters, invisible characters (such as those
/// that change the direction of writing) and bytes that are not UTF-8 become `\xNN`.
DEPLOYER_SDK_EXPORT std::string printable(std::string_view text);

/// printable() text in quotes, for a message. Long text is cut and ends in `…`; white space other than the plain space
/// becomes `\xNN`. The quotes are double ones, but single ones around text that holds double ones. When the text holds
/// both kinds, the outer quotes are double ones and the inner double ones get a backslash.
DEPLOYER_SDK_EXPORT std::string quote(std::string_view text);

/// A uri or path that a message may show without giving away a secret: user, password, query and fragment are left out,
/// and the rest is printable(). From malformed text the function leaves out too much rather than too little.
DEPLOYER_SDK_EXPORT std::string presentable_uri(std::string_view uri);

}  // namespace deployer
