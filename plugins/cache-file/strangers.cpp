#include "strangers.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <system_error>

namespace deployer {
namespace {

namespace fs = std::filesystem;

/// Checks one directory on the way; `level` is absolute. For a symbolic link the owner of the link itself counts.
void check_level(const fs::path& level, const fs::path& directory) {
    struct stat found {};
    struct stat around {};
    if (::lstat(level.c_str(), &found) != 0 || ::stat(level.parent_path().c_str(), &around) != 0) return;
    const bool anybody_may = (around.st_mode & S_IWOTH) != 0;
    if (!anybody_may || found.st_uid == 0 || found.st_uid == ::geteuid()) return;
    throw Error(ErrorKind::misconfigured,
                "the cache at " + printable(directory.native()) + " may be a stranger's: " + printable(level.native()) +
                    " belongs to user " + std::to_string(found.st_uid) +
                    ", in a directory that anybody may write to; set the cache's path to a directory of the deployer's "
                    "own, which without a configuration file STATE_DIRECTORY names");
}

void check_way(const fs::path& way, const fs::path& directory) {
    for (auto level = way; level.has_relative_path(); level = level.parent_path()) check_level(level, directory);
}

}  // namespace

void refuse_strangers(const fs::path& directory) {
    const auto absolute = fs::absolute(directory).lexically_normal();
    check_way(absolute, directory);
    std::error_code failure;
    const auto real = fs::weakly_canonical(absolute, failure);
    if (!failure && real != absolute) check_way(real, directory);
}

}  // namespace deployer
