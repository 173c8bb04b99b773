#pragma once

#include <cstddef>
#include <deployer/export.hpp>
#include <deployer/unit.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>
namespace deployer {
inline constexpr std::size_t option_line_limit = 2048;
DEPLOYER_SDK_EXPORT std::vector<UnitOption> parse_unit_file(std::string_view text);
DEPLOYER_SDK_EXPORT std::string write_unit_file(std::span<const UnitOption> options);
DEPLOYER_SDK_EXPORT std::string unit_file_hash(std::span<const UnitOption> options);
DEPLOYER_SDK_EXPORT std::string content_digest(std::span<const UnitOption> options);
}  // namespace deployer
