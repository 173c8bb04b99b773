#pragma once

#include "support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace deployer {

/// The directory with real production input, which some machines have. The input is no part of the project.
inline std::filesystem::path shared_data() {
    const char* shared = std::getenv("DEPLOYER_SHARED");
    return std::filesystem::path(shared != nullptr ? shared : DEPLOYER_SOURCE_DIR "/../shared") / "data";
}

/// A folder below shared_data(). Returns nullopt and prints the reason when there is none; the test then shows nothing.
inline std::optional<std::filesystem::path> find_shared(const std::string& name) {
    auto path = shared_data() / name;
    if (std::filesystem::is_directory(path)) return path;
    WARN("skipped: " << path.string() << " does not exist (DEPLOYER_SHARED names its place)");
    return std::nullopt;
}

/// A file below shared_data(). Returns nullopt and prints the reason when there is none; the test then shows nothing.
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
