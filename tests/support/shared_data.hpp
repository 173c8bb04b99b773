#pragma once

#include "support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace deployer {

/// Where real production input lies on some machines; it is no part of the project.
inline std::filesystem::path shared_data() {
    const char* shared = std::getenv("DEPLOYER_SHARED");
    return std::filesystem::path(shared != nullptr ? shared : DEPLOYER_SOURCE_DIR "/../shared") / "data";
}

/// A folder below shared_data(). Nullopt, and the reason printed, where there is none: the test shows nothing then.
inline std::optional<std::filesystem::path> find_shared(const std::string& name) {
    auto path = shared_data() / name;
    if (std::filesystem::is_directory(path)) return path;
    WARN("skipped: " << path.string() << " does not exist (DEPLOYER_SHARED names its place)");
    return std::nullopt;
}

/// A file below shared_data(). Nullopt, and the reason printed, where there is none: the test has nothing to show then.
inline std::optional<std::string> read_shared(const std::string& name) {
    const auto path = shared_data() / name;
    std::ifstream stream(path, std::ios::binary);
    if (!stream) {
        WARN("skipped: " << path.string() << " does not exist (DEPLOYER_SHARED names its place)");
        return std::nullopt;
    }
    return std::string(std::istreambuf_iterator<char>(stream), {});
}

}  // namespace deployer
