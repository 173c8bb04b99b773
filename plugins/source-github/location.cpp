#include "location.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <algorithm>

namespace deployer::github {

namespace {

[[noreturn]] void reject(std::string_view location, const std::string& why) {
    throw Error(ErrorKind::rejected, quote(presentable_uri(location)) + why);
}

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

std::vector<std::string> components_of(std::string_view path) {
    std::vector<std::string> components;
    while (!path.empty()) {
        const auto name = path.substr(0, path.find('/'));
        if (!name.empty() && name != ".") components.emplace_back(name);
        path.remove_prefix(std::min(path.size(), name.size() + 1));
    }
    return components;
}

std::string join(std::string_view directory, std::string_view name) {
    return directory.empty() ? std::string(name) : std::string(directory) + "/" + std::string(name);
}

std::string join(const std::vector<std::string>& names) {
    std::string path;
    for (const auto& name : names) path = join(path, name);
    return path;
}

std::vector<std::string> names_below_root(std::string_view location) {
    auto names = components_of(location);
    if (names.empty()) reject(location, " names no file");
    if (location.find("://") != std::string_view::npos) {
        reject(location, " cannot be fetched: it is neither https:// nor http://");
    }
    if (location.starts_with('/')) reject(location, " is an absolute path: write it relative to the source's root");
    if (std::find(names.begin(), names.end(), "..") != names.end()) {
        reject(location, " may not leave the source's root: \"..\" is not allowed");
    }
    return names;
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
