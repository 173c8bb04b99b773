#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace deployer {

/// The suffix of a file while it is written. A file left with this suffix comes from a process that was killed.
inline constexpr std::string_view unfinished_suffix = ".tmp";

/// Replaces the content of the file by the concatenated parts. Atomic: the former file stays until the rename. Durable:
/// after the return the new file survives a power cut. The mode is 0600. `suffix` is appended to the file's name while
/// it is written; only one writer at a time may use the same suffix. Throws std::system_error that names the failed
/// step, and then leaves no unfinished file.
void replace_file(const std::filesystem::path& file, std::span<const std::string_view> parts,
                  std::string_view suffix = unfinished_suffix);

/// Removes the file, as durably as replace_file(). An absent file is no error.
void remove_file(const std::filesystem::path& file);

/// Creates the directory with mode 0700, and its missing parents, as durably as replace_file(). An existing directory
/// is no error.
void make_directory(const std::filesystem::path& directory);

/// The whole content of the file, or nullopt when the file is absent. Throws std::system_error for a file that is not
/// regular (without waiting on a FIFO), is larger than `limit` bytes, or cannot be read.
std::optional<std::string> read_file(const std::filesystem::path& file, std::size_t limit);

}  // namespace deployer
