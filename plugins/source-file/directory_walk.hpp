#pragma once

#include "posix/file_descriptor.hpp"

#include <cstddef>
#include <filesystem>
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

/// A link's target as a Tree has it: an absolute one counts as below the root when it begins with the root's path, and
/// leads out otherwise.
std::string target_below(const std::filesystem::path& root, const std::string& target);

}  // namespace deployer
