#pragma once

#include "posix/file_descriptor.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// Opens the directory that a source reads, following symbolic links. Throws Error `unavailable`, because a missing
/// directory may come back, as a mount does.
FileDescriptor open_root(const std::filesystem::path& root);

/// Opens a path below a directory without following any symbolic link, and without waiting for the other end of a fifo.
/// On failure returns an empty descriptor and sets errno.
FileDescriptor open_beneath(int root, std::string_view path, int flags);

/// The names in a directory without `.` and `..`, sorted, at most `limit` of them. Throws std::system_error.
std::vector<std::string> names_in(int directory, std::size_t limit);

/// A symbolic link's target in the form of a Tree: an absolute target that begins with the root's path is below the
/// root; any other absolute target leads out.
std::string target_below(const std::filesystem::path& root, const std::string& target);

}  // namespace deployer
