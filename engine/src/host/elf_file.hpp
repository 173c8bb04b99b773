#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// Why the dynamic loader must not be given this regular file, or nullopt. Finds files that cannot be read, files other
/// than ELF, and incomplete copies, cut short or filled up with zeros, which would crash the loader. Most other defects
/// the loader refuses with a message. Does not find a file made to crash the loader on purpose.
std::optional<std::string> elf_file_problem(const std::filesystem::path& file);

/// The first bytes of an exported variable, read from the file without loading it; empty when there is no such symbol.
std::string read_elf_variable(const std::filesystem::path& file, std::string_view symbol, std::size_t size);

/// A symbol that a library exports. A weak symbol, such as an inline function, may exist in several libraries.
struct ExportedSymbol {
    std::string name;  ///< the mangled name
    bool is_weak = false;
};

/// All exported symbols of the file, without loading it.
std::vector<ExportedSymbol> exported_symbols(const std::filesystem::path& file);

}  // namespace deployer
