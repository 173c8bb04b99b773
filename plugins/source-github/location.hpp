#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deployer::github {

/// Whether a location is an absolute http(s) uri, and not a path below the source's root.
bool is_absolute_uri(std::string_view location) noexcept;

/// The path of a url, made of names of any bytes, percent-encoded: `units/foo%40.service`.
std::string url_path(const std::vector<std::string>& names);

}  // namespace deployer::github
