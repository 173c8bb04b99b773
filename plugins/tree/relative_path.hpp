#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// The most links that are followed in one path before they count as a circle; the kernel's own limit
/// (path_resolution(7)).
inline constexpr int link_limit = 40;

/// `directory`/`name`. The root directory is ""; `name` may be empty, too.
inline std::string join(std::string_view directory, std::string_view name) {
    if (directory.empty() || name.empty()) return std::string(directory) + std::string(name);
    return std::string(directory) + "/" + std::string(name);
}

inline std::string join(const std::vector<std::string>& names) {
    std::string path;
    for (const auto& name : names) path = join(path, name);
    return path;
}

/// The parts of a path between slashes, without empty parts and `.`.
inline std::vector<std::string> components_of(std::string_view path) {
    std::vector<std::string> components;
    while (!path.empty()) {
        const auto name = path.substr(0, path.find('/'));
        if (!name.empty() && name != ".") components.emplace_back(name);
        path.remove_prefix(std::min(path.size(), name.size() + 1));
    }
    return components;
}

/// Names that begin with a dot (`.git`, an editor's swap file) are no part of the wanted state.
inline bool is_hidden(std::string_view name) noexcept {
    return name.starts_with('.');
}

}  // namespace deployer
