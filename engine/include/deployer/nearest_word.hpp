#pragma once

#include <deployer/export.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace deployer {

/// The one of `words` that `word` was probably meant to be: few edits away for its length, where letter case, `-` and
/// `_` do not count. The first of several that are equally near.
DEPLOYER_SDK_EXPORT std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string> words);

}  // namespace deployer
