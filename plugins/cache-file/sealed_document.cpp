#include "sealed_document.hpp"

#include <Poco/DigestEngine.h>
#include <Poco/SHA2Engine.h>

#include <utility>

namespace deployer {

namespace {

constexpr std::string_view format = "coco-fleet-deployer cache 1\n";
constexpr std::string_view header_end = "\n\n";

std::string sha256(std::string_view text) {
    Poco::SHA2Engine engine(Poco::SHA2Engine::SHA_256);
    engine.update(text.data(), text.size());
    return Poco::DigestEngine::digestToHex(engine.digest());
}

std::string key_line(std::string_view key) {
    return "key " + std::string(key) + "\n";
}
std::string length_line(std::size_t length) {
    return "bytes " + std::to_string(length) + "\n";
}

/// Describes how a file's header differs from the expected header.
std::string describe_difference(std::string_view header, std::string_view key, std::size_t length) {
    if (!header.starts_with(format)) return "it is not a document of this cache";
    header.remove_prefix(format.size());
    const auto expected_key = key_line(key);
    if (!header.starts_with(expected_key)) return "it holds the document of another key";
    header.remove_prefix(expected_key.size());
    if (!header.starts_with(length_line(length))) return "it is truncated or has grown";
    return "its checksum does not match";
}

}  // namespace

std::string header_of(std::string_view key, std::string_view document) {
    return std::string(format) + key_line(key) + length_line(document.size()) + "sha256 " + sha256(document) +
           std::string(header_end);
}

Unsealed unseal(std::string_view key, std::string file) {
    if (file.empty()) return {{}, "it is empty"};
    const auto end = std::string_view(file).substr(0, header_limit).find(header_end);
    if (end == std::string_view::npos) {
        return {{}, file.starts_with(format) ? "it is truncated" : "it is not a document of this cache"};
    }
    const auto header_size = end + header_end.size();
    const auto document = std::string_view(file).substr(header_size);
    const auto header = std::string_view(file).substr(0, header_size);
    // Compare with the header that would be written now: without a parser of headers, no header can mislead one.
    if (header != header_of(key, document)) return {{}, describe_difference(header, key, document.size())};
    file.erase(0, header_size);
    return {std::move(file), {}};
}

}  // namespace deployer
