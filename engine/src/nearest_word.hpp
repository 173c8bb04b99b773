#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace deployer {

/// The one of `words` that `word` was probably meant to be: few edits away for its length. The first of several.
std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string> words);

}  // namespace deployer
