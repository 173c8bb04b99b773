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

/// Text of others on one line that does nothing to a terminal: control characters and stray bytes as `\xNN`.
DEPLOYER_SDK_EXPORT std::string printable(std::string_view text);

/// The same as a message shows it: in double quotes, cut with `…` when it is long.
DEPLOYER_SDK_EXPORT std::string quote(std::string_view text);

}  // namespace deployer
