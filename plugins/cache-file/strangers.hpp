#pragma once

#include <filesystem>

namespace deployer {

/// Throws Error `misconfigured` when a stranger may have made the directory, or one on the way to it: it lies where
/// anybody may make one, as in /tmp, and belongs neither to this process's user nor to root. Whoever owns it could put
/// documents there that the deployer would believe. What is not there yet is fine.
void refuse_strangers(const std::filesystem::path& directory);

}  // namespace deployer
