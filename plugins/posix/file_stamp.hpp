#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <filesystem>

namespace deployer {

/// A stamp that differs when a file has changed. It is made of the file's metadata, so a change shows only as far as
/// the file system's time stamps are fine enough. Times are in nanoseconds.
struct FileStamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified = 0;
    std::int64_t changed = 0;

    bool operator==(const FileStamp&) const = default;
};

inline std::int64_t nanoseconds(const timespec& time) noexcept {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + std::int64_t{time.tv_nsec};
}

inline FileStamp stamp_of(const struct stat& status) noexcept {
    return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

/// Whether the name still belongs to the open file; a symbolic link of that name does not count. A lock must be checked
/// so, because a lock on a deleted file keeps nobody away.
inline bool is_name_of(const std::filesystem::path& name, int file) noexcept {
    struct stat named {};
    struct stat opened {};
    return ::lstat(name.c_str(), &named) == 0 && ::fstat(file, &opened) == 0 && named.st_dev == opened.st_dev &&
           named.st_ino == opened.st_ino;
}

}  // namespace deployer
