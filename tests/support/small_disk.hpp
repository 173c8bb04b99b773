#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

namespace deployer {

/// A file system of a given size over an existing directory, for tests of full and read-only disks. Only this process
/// sees it. Takes the right to mount; without, problem() says so and the test has to skip itself, printing it.
class SmallDisk {
public:
    /// `size` as tmpfs reads it, such as "256k".
    SmallDisk(std::filesystem::path directory, const std::string& size) : directory_(std::move(directory)) {
        const auto options = "mode=0755,size=" + size;
        const bool mounted = ::unshare(CLONE_NEWNS) == 0 &&
                             ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                             ::mount("tmpfs", directory_.c_str(), "tmpfs", 0, options.c_str()) == 0;
        if (!mounted) problem_ = "cannot mount a small disk: " + std::generic_category().message(errno);
    }
    ~SmallDisk() {
        if (problem_.empty()) ::umount2(directory_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    SmallDisk(SmallDisk&&) = delete;
    SmallDisk& operator=(SmallDisk&&) = delete;

    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

    void make_read_only() const {
        if (::mount("none", directory_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
            throw std::system_error(errno, std::generic_category(), "cannot make the disk read-only");
        }
    }

private:
    std::filesystem::path directory_;
    std::string problem_;
};

}  // namespace deployer
