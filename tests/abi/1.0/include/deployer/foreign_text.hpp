#pragma once

#include <cstddef>
#include <deployer/export.hpp>
#include <optional>
#include <string>
#include <string_view>
namespace deployer {
DEPLOYER_SDK_EXPORT std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept;
DEPLOYER_SDK_EXPORT int line_at(std::string_view text, std::size_t offset) noexcept;
DEPLOYER_SDK_EXPORT std::string printable(std::string_view text);
DEPLOYER_SDK_EXPORT std::string quote(std::string_view text);
DEPLOYER_SDK_EXPORT std::string presentable_uri(std::string_view uri);
}  // namespace deployer
