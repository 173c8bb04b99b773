#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace deployer {

/// The suffix of files that are being written; one that is left over belongs to a process that was killed.
inline constexpr std::string_view unfinished_suffix = ".tmp";

/// Replaces the file by the parts, one after the other. Atomic: until the rename the former file stays as it was; and
/// durable: after return the new one survives a power cut. Mode 0600. One writer at a time for each `suffix`, that of
/// the file while it is written. Throws std::system_error naming the step; nothing unfinished is left then.
void replace_file(const std::filesystem::path& file, std::span<const std::string_view> parts,
                  std::string_view suffix = unfinished_suffix);

/// Durable as replace_file(). No error when there is none.
void remove_file(const std::filesystem::path& file);

/// Creates the directory, mode 0700, and what is missing above it; durable as replace_file(). No error when it is
/// there.
void make_directory(const std::filesystem::path& directory);

/// The whole file, or nullopt when there is none. Never waits on what is no regular file: that, a file above `limit`
/// bytes, and one that cannot be read throw std::system_error.
std::optional<std::string> read_file(const std::filesystem::path& file, std::size_t limit);

}  // namespace deployer
