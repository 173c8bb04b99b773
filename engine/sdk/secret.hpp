#pragma once

#include <filesystem>
#include <string>

namespace deployer {

/// The secret that the value of a key stands for: the text itself, or for `${NAME}` the value of that environment
/// variable. Throws Error `misconfigured` with the problem, which does not name the key and holds no secret.
std::string secret_of(const std::string& text);

/// The secret in a file, without its last newline (Settings::find_secret()). Throws as secret_of() does.
std::string read_secret_file(const std::filesystem::path& file);

}  // namespace deployer
