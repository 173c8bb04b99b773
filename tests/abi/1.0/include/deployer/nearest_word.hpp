#pragma once

#include <deployer/export.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
namespace deployer {
DEPLOYER_SDK_EXPORT std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string> words);
}
