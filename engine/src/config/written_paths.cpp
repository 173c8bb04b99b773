#include "config/written_paths.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace deployer {
namespace {

namespace fs = std::filesystem;

struct ReadDirectory {
    std::string setting;
    fs::path path;
};

/// The path with its links followed. A path that cannot be followed to its end stays as it is.
fs::path followed(const fs::path& path) {
    std::error_code failure;
    const auto real = fs::weakly_canonical(fs::absolute(path), failure);
    return failure ? fs::absolute(path).lexically_normal() : real;
}

std::vector<ReadDirectory> read_directories(const PluginChoice& source) {
    std::vector<ReadDirectory> directories;
    for (const auto& setting : source.settings.described()) {
        const bool is_path = std::any_of(setting.types.begin(), setting.types.end(),
                                         [](const SettingType& type) { return type.kind == SettingType::Kind::path; });
        const auto path = is_path ? source.settings.find_path(setting.path) : std::nullopt;
        std::error_code failure;
        if (path && fs::is_directory(*path, failure)) {
            directories.push_back({source.settings.path_of(setting.path), *path});
        }
    }
    return directories;
}

bool is_below(const fs::path& path, const fs::path& directory) {
    const auto below = followed(path).lexically_relative(followed(directory));
    if (below.empty() || *below.begin() == "..") return false;
    return below == "." || std::none_of(below.begin(), below.end(),
                                        [](const fs::path& part) { return part.native().starts_with('.'); });
}

/// Why nothing may be written to the path; nullopt when writing is fine.
std::optional<std::string> find_problem(const fs::path& written, const PluginChoice& source) {
    for (const auto& directory : read_directories(source)) {
        if (!is_below(written, directory.path)) continue;
        return quote(written.native()) + " is within " + directory.setting + ", " + quote(directory.path.native()) +
               ", which the source reads: each write there would start another cycle; move one of the two";
    }
    return std::nullopt;
}

void check_paths_of(const PluginChoice& choice, const PluginChoice& source) {
    const auto block = choice.settings.path_of("") + '.';
    for (const auto& [setting, path] : choice.settings.written_paths()) {
        if (const auto problem = find_problem(path, source))
            choice.settings.fail(setting.substr(block.size()), *problem);
    }
}

/// The regular file that a descriptor writes to, unless the file was renamed or deleted.
std::optional<fs::path> file_behind(int descriptor) {
    struct stat open {};
    struct stat named {};
    std::error_code failure;
    const auto name = fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor), failure);
    const bool is_named = !failure && ::fstat(descriptor, &open) == 0 && S_ISREG(open.st_mode) &&
                          ::stat(name.c_str(), &named) == 0 && named.st_dev == open.st_dev &&
                          named.st_ino == open.st_ino;
    return is_named ? std::optional(name) : std::nullopt;
}

}  // namespace

void check_written_paths(const Config& config) {
    check_paths_of(config.cache, config.source);
    check_paths_of(config.target, config.source);
    if (config.health) check_paths_of(*config.health, config.source);
}

void check_log_file(const Config& config) {
    const auto file = file_behind(STDERR_FILENO);
    const auto problem = file ? find_problem(*file, config.source) : std::nullopt;
    if (problem) throw Error(ErrorKind::misconfigured, "the log goes to standard error, and its file " + *problem);
}

}  // namespace deployer
