#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace deployer {

/// Why the dynamic loader must not be given this regular file, or nullopt: it cannot be read, is no ELF file, or is cut
/// short, which the loader would answer with SIGBUS. All else the loader itself refuses in words.
std::optional<std::string> elf_file_problem(const std::filesystem::path& file);

}  // namespace deployer
