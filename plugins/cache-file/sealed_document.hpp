#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace deployer {

/// The size in bytes of the largest document that is stored or read; 10,000 units take a quarter of it.
inline constexpr std::size_t document_limit = std::size_t{128} << 20U;
/// The largest size in bytes of header_of().
inline constexpr std::size_t header_limit = 512;

/// The header before a document in its file: text that names the format, the key, the length and the SHA-256 of the
/// document, and ends with an empty line. People can read it with `head`; unseal() takes no other file for a document.
std::string header_of(std::string_view key, std::string_view document);

/// The result of reading a document's file: the document, or the problem with the file.
struct Unsealed {
    std::string document;
    std::string problem;  ///< why the file is not that document, for people; empty when it is
};

/// Checks a file and takes the document of `key` out of it. A file that differs from the stored header and document in
/// any byte gives a problem. Pure.
Unsealed unseal(std::string_view key, std::string file);

}  // namespace deployer
