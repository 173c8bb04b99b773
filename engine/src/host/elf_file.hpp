#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// Why the dynamic loader must not be given this regular file, or nullopt: it cannot be read, is no ELF file, or is a
/// copy that broke off, cut short or filled up with zeros, which the loader would answer with a crash. Most else the
/// loader refuses in words; what somebody made to crash it, nothing here finds.
std::optional<std::string> elf_file_problem(const std::filesystem::path& file);

/// The first bytes of an exported variable as they stand in the file, without loading it; empty when there is no such
/// symbol.
std::string read_elf_variable(const std::filesystem::path& file, std::string_view symbol, std::size_t size);

/// A symbol that a file gives to others. A weak one may as well come from elsewhere: inline functions are.
struct ExportedSymbol {
    std::string name;  ///< as the loader has it
    bool is_weak = false;
};

/// All of them, without loading the file.
std::vector<ExportedSymbol> exported_symbols(const std::filesystem::path& file);

}  // namespace deployer
