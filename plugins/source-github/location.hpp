#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deployer::github {

/// Whether a location is a file of some web server, and not one below the source's root.
bool is_absolute_uri(std::string_view location) noexcept;

/// The parts of a path between slashes; empty ones and `.` mean nothing.
std::vector<std::string> components_of(std::string_view path);

/// `directory`/`name`; the root is "".
std::string join(std::string_view directory, std::string_view name);

std::string join(const std::vector<std::string>& names);

/// The names on the way to a location below the root. Throws Error `rejected` for one that leaves it or names no file.
std::vector<std::string> names_below_root(std::string_view location);

/// A url's path out of names of any bytes: `units/foo%40.service`.
std::string url_path(const std::vector<std::string>& names);

/// Names that begin with a dot (`.git`, an editor's swap file) are no part of the wanted state.
inline bool is_hidden(std::string_view name) noexcept {
    return name.starts_with('.');
}

}  // namespace deployer::github
