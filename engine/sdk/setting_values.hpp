#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace deployer {

/// A decimal whole number without leading zeros; nullopt for any other text. Numbers beyond the range of the type
/// become its bounds.
std::optional<long long> parse_integer(std::string_view text);

/// The words of YAML 1.1 for true and false; nullopt for any other text.
std::optional<bool> parse_boolean(std::string_view text);

/// A duration as Settings::duration() describes it. Throws Error `misconfigured` with the
/// problem, which does not name the key.
std::chrono::milliseconds parse_duration(std::string_view text);

/// The reason why a text is no path, as Settings::path() describes it; empty when the text is a path.
std::string find_path_problem(std::string_view text);

}  // namespace deployer
