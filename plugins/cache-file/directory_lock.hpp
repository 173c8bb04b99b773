#pragma once

#include "posix/file_descriptor.hpp"

#include <deployer/call.hpp>

#include <filesystem>

namespace deployer {

/// Keeps a second writer away from a directory, by an flock on its file `lock`, which holds the process id of the owner
/// for people. Held until this object or the process ends, however it ends; the file stays. The directory exists.
class DirectoryLock {
public:
    DirectoryLock() = default;

    /// Takes the lock, at once or not at all; true when it was not held before. Takes it anew when the file is no
    /// longer the one that was locked: a lock on a deleted file keeps nobody away. Throws Error `misconfigured`, naming
    /// the process, when somebody else holds it; std::system_error for the rest. Waits a moment for that name
    /// at most.
    bool acquire(const std::filesystem::path& directory, const Call& call);

private:
    FileDescriptor file_;
};

}  // namespace deployer
