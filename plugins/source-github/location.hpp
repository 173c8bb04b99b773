#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deployer::github {

/// Whether a location is a file of some web server, and not one below the source's root.
bool is_absolute_uri(std::string_view location) noexcept;

/// A url's path out of names of any bytes: `units/foo%40.service`.
std::string url_path(const std::vector<std::string>& names);

}  // namespace deployer::github
