#pragma once

#include <deployer/export.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace deployer {

/// The element of `words` that `word` is probably a misspelling of: only a few edits apart for its length, where letter
/// case, `-` and `_` do not count. Of several equally near elements the first; nullopt when none is near enough.
DEPLOYER_SDK_EXPORT std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string> words);

}  // namespace deployer
