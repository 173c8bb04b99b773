#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

namespace deployer {

/// Tells one file from another that took its path, and from the same file with other bytes written to it.
struct FileIdentity {
    dev_t device;
    ino_t inode;
    std::int64_t modified_s;
    std::int64_t modified_ns;

    bool operator==(const FileIdentity&) const = default;
};

/// The file of a plugin on disk.
struct PluginFile {
    std::filesystem::path path;  ///< symbolic links resolved
    FileIdentity identity;
};

/// Judges a file before anything is loaded from it, and before its bytes are read (R2): it exists, is a regular file
/// and is named `.so`; for root, nobody else can write to it or put another file in its place. Throws Error
/// `misconfigured` with the reason, as refuse() does.
PluginFile checked_file(const std::filesystem::path& found);

}  // namespace deployer
