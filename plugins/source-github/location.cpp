#include "location.hpp"

namespace deployer::github {

namespace {

/// RFC 3986, 2.3.
bool is_unreserved(char byte) noexcept {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           std::string_view("-._~").find(byte) != std::string_view::npos;
}

void append_encoded(std::string& text, std::string_view name) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char byte : name) {
        if (is_unreserved(byte)) {
            text += byte;
            continue;
        }
        const auto value = static_cast<unsigned char>(byte);
        text.append(1, '%').append(1, digits[value >> 4U]).append(1, digits[value & 15U]);
    }
}

}  // namespace

bool is_absolute_uri(std::string_view location) noexcept {
    return location.starts_with("http://") || location.starts_with("https://");
}

std::string url_path(const std::vector<std::string>& names) {
    std::string path;
    for (const auto& name : names) {
        if (!path.empty()) path += '/';
        append_encoded(path, name);
    }
    return path;
}

}  // namespace deployer::github
