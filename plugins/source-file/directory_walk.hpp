#pragma once

#include "posix/file_descriptor.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// The directory that a source reads, following symbolic links on the way to it. Throws Error `unavailable`: what is
/// missing may come back, as a mount does.
FileDescriptor open_root(const std::filesystem::path& root);

/// Opens what lies below a directory without following any symbolic link, and without waiting for the other end of a
/// fifo. On failure an empty descriptor, and errno.
FileDescriptor open_beneath(int root, std::string_view path, int flags);

/// The names in a directory but `.` and `..`, sorted, at most `limit` of them. Throws std::system_error.
std::vector<std::string> names_in(int directory, std::size_t limit);

/// `directory`/`name`; the root is "", and so may the name be.
std::string join(std::string_view directory, std::string_view name);

std::string join(const std::vector<std::string>& names);

/// The parts of a path between slashes; empty ones and `.` mean nothing.
std::vector<std::string> components_of(std::string_view path);

/// A link's target without the root at its beginning, if it is absolute; nullopt when it does not begin so.
std::optional<std::string> target_below(const std::filesystem::path& root, const std::string& target);

/// Names that begin with a dot (`.git`, an editor's swap file) are no part of the wanted state.
inline bool is_hidden(std::string_view name) noexcept {
    return name.starts_with('.');
}

}  // namespace deployer
