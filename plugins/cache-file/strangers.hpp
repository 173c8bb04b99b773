#pragma once

#include <filesystem>

namespace deployer {

/// Throws Error `misconfigured` when the directory, or one on the way to it, may belong to a stranger, who could plant
/// documents there that the deployer would believe. That is so for a directory that lies where anybody may create one,
/// as in /tmp, and that belongs neither to this process's user nor to root. Directories that do not exist yet pass.
void refuse_strangers(const std::filesystem::path& directory);

}  // namespace deployer
