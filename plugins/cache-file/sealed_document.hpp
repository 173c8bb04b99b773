#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace deployer {

/// Documents larger than this are neither stored nor read: 10,000 units come to a quarter of it.
inline constexpr std::size_t document_limit = std::size_t{128} << 20U;
/// The most that seal() adds to a document.
inline constexpr std::size_t header_limit = 512;

/// The header before a document in its file: text that names the format, the key, the length and the SHA-256 of the
/// document, and ends with an empty line. Such a file can be looked at with `head`, and nothing else is taken for it.
std::string header_of(std::string_view key, std::string_view document);

/// A file that should hold the document of a key: the document, or the problem with it.
struct Unsealed {
    std::string document;
    std::string problem;  ///< why it is not that document, for people; empty when it is
};

/// A file that differs in a single byte from header and document as stored gives a problem. Pure.
Unsealed unseal(std::string_view key, std::string file);

}  // namespace deployer
