#pragma once

#include "snapshot.hpp"

#include <deployer/source.hpp>

#include <filesystem>
#include <string_view>

namespace deployer {

/// What stands at a location of a snapshot, following symbolic links as far as they stay below the root. An absolute
/// target counts as below it when it begins with `root`. Pure: what the file system does meanwhile cannot mislead it.
File find_file(const Snapshot& snapshot, const std::filesystem::path& root, std::string_view location);

}  // namespace deployer
