#pragma once

#include "posix/file_descriptor.hpp"

#include <deployer/call.hpp>

#include <filesystem>

namespace deployer {

/// Keeps a second writer away from an existing directory by an flock on its file `lock`. The file holds the owner's
/// process id for people. The lock lasts until this object or the process ends, also by a crash; the file stays.
class DirectoryLock {
public:
    DirectoryLock() = default;

    /// Takes the lock without waiting for it; true when this object did not hold it before. Takes the lock again when
    /// the locked file was replaced, because a lock on a deleted file keeps nobody away. Throws Error `misconfigured`,
    /// which names the owner's process id, when another process holds the lock; waits at most a moment for that id.
    /// Throws std::system_error for other failures.
    bool acquire(const std::filesystem::path& directory, const Call& call);

private:
    FileDescriptor file_;
};

}  // namespace deployer
