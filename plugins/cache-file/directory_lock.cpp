#include "directory_lock.hpp"

#include <deployer/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace deployer {

namespace {

[[noreturn]] void fail(const char* step) {
    throw std::system_error(errno, std::generic_category(), step);
}

/// The process id that the owner wrote, or empty: it may be about to write it, or the disk was full.
std::string owner_of(int file) {
    std::array<char, 20> text{};
    const auto got = ::pread(file, text.data(), text.size(), 0);
    std::string owner;
    for (auto digit = text.begin(); got > 0 && digit != text.begin() + got && *digit >= '0' && *digit <= '9'; ++digit) {
        owner += *digit;
    }
    return owner;
}

[[noreturn]] void refuse(const std::filesystem::path& directory, const std::string& owner) {
    const auto process = owner.empty() ? std::string() : " (pid " + owner + ")";
    throw Error(ErrorKind::misconfigured, "another coco-fleet-deployer" + process + " is using the cache at " +
                                              directory.string() + ": stop it, or give each its own path");
}

void write_owner(int file) {
    const auto text = std::to_string(::getpid()) + "\n";
    // For people only: without it, on a full disk, the lock holds as well.
    if (::ftruncate(file, 0) == 0) [[maybe_unused]]
        const auto written = ::pwrite(file, text.data(), text.size(), 0);
}

}  // namespace

bool DirectoryLock::holds(const std::filesystem::path& file) const {
    struct stat locked {};
    struct stat named {};
    return file_ && ::fstat(file_.get(), &locked) == 0 && ::lstat(file.c_str(), &named) == 0 &&
           locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

bool DirectoryLock::acquire(const std::filesystem::path& directory) {
    const auto file = directory / "lock";
    if (holds(file)) return false;
    file_.reset();
    FileDescriptor opened(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!opened) fail("open the lock file");
    if (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) refuse(directory, owner_of(opened.get()));
        fail("lock");
    }
    write_owner(opened.get());
    file_ = std::move(opened);
    return true;
}

}  // namespace deployer
