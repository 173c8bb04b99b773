#include "directory_lock.hpp"

#include "posix/file_stamp.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

namespace deployer {

namespace {

[[noreturn]] void fail(const char* step) {
    throw std::system_error(errno, std::generic_category(), step);
}

/// The process id in the lock file, or empty.
std::string read_owner(int file) {
    std::array<char, 20> text{};
    const auto got = ::pread(file, text.data(), text.size(), 0);
    std::string owner;
    for (auto digit = text.begin(); got > 0 && digit != text.begin() + got && *digit >= '0' && *digit <= '9'; ++digit) {
        owner += *digit;
    }
    return owner;
}

/// The process id that the owner wrote; empty when the owner's disk was full. An owner that took the lock just now may
/// not have written its id yet, so this waits a moment.
std::string owner_of(int file, const Call& call) {
    constexpr int looks = 10;
    constexpr std::chrono::milliseconds pause(10);
    auto owner = read_owner(file);
    for (int look = 1; owner.empty() && look < looks && call.wait(pause); ++look) owner = read_owner(file);
    return owner;
}

[[noreturn]] void refuse(const std::filesystem::path& directory, const std::string& owner) {
    const auto process = owner.empty() ? std::string() : " (pid " + owner + ")";
    throw Error(ErrorKind::misconfigured, "another coco-fleet-deployer" + process + " is using the cache at " +
                                              printable(directory.native()) + ": stop it, or give each its own path");
}

void write_owner(int file) {
    const auto text = std::to_string(::getpid()) + "\n";
    // The id is for people only; the lock also holds when a full disk prevents this write.
    if (::ftruncate(file, 0) == 0) [[maybe_unused]]
        const auto written = ::pwrite(file, text.data(), text.size(), 0);
}

}  // namespace

bool DirectoryLock::acquire(const std::filesystem::path& directory, const Call& call) {
    const auto file = directory / "lock";
    if (file_ && is_name_of(file, file_.get())) return false;
    file_.reset();
    for (;; call.check("locking the cache")) {
        FileDescriptor opened(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
        if (!opened) fail("open the lock file");
        if (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) refuse(directory, owner_of(opened.get(), call));
            fail("lock");
        }
        // Somebody may have deleted the file since it was opened, and another process may have locked a new one.
        if (!is_name_of(file, opened.get())) continue;
        write_owner(opened.get());
        file_ = std::move(opened);
        return true;
    }
}

}  // namespace deployer
