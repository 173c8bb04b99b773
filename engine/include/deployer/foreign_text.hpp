#pragma once

#include <deployer/export.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace deployer {

/// Where text stops being UTF-8: the offset of the first byte that begins no whole, shortest-form character.
/// Surrogates and what lies past U+10FFFF are no characters.
DEPLOYER_SDK_EXPORT std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept;

/// The line, from 1, on which the byte at `offset` stands.
DEPLOYER_SDK_EXPORT int line_at(std::string_view text, std::size_t offset) noexcept;

/// Text of others on one line that does nothing to a terminal: control characters, invisible ones, such as turn the
/// direction of writing, and stray bytes as `\xNN`.
DEPLOYER_SDK_EXPORT std::string printable(std::string_view text);

/// The same as a message shows it: in double quotes, or single ones around double ones, cut with `…` when it is long,
/// with white space other than the plain space as `\xNN`. With both kinds in it, double ones come with a backslash.
DEPLOYER_SDK_EXPORT std::string quote(std::string_view text);

/// A uri, or a path, as messages may show it: without user, password, query and fragment, printable() otherwise. From
/// something that is not quite a uri rather too much is left out.
DEPLOYER_SDK_EXPORT std::string presentable_uri(std::string_view uri);

}  // namespace deployer
