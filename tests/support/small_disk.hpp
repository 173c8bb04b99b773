#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace deployer {

/// A file system mounted over an existing directory, for tests of full, read-only and old-fashioned disks. Only this
/// process sees the mount. Without the right to mount, problem() gives the reason; the test prints it and skips itself.
class SmallDisk {
public:
    /// A file system in memory; `size` has the form of tmpfs's option, such as "256k".
    SmallDisk(std::filesystem::path directory, const std::string& size) : directory_(std::move(directory)) {
        const auto options = "mode=0755,size=" + size;
        if (hide_mounts() && ::mount("tmpfs", directory_.c_str(), "tmpfs", 0, options.c_str()) == 0) return;
        problem_ = "cannot mount a small disk: " + std::generic_category().message(errno);
    }

    /// A file system in the file `image`, with time stamps of whole seconds. It needs a loop device as well.
    static SmallDisk with_whole_seconds(std::filesystem::path directory, const std::filesystem::path& image) {
        return {std::move(directory), Image{image}};
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
    struct Image {
        std::filesystem::path file;
    };

    SmallDisk(std::filesystem::path directory, const Image& image) : directory_(std::move(directory)) {
        const auto file = "'" + image.file.string() + "'";
        const auto made = "PATH=$PATH:/usr/sbin:/sbin; exec >/dev/null 2>&1; truncate -s 1M " + file +
                          " && mke2fs -q -t ext4 -O ^has_journal -I 128 " + file + " && mount -o loop " + file + " '" +
                          directory_.string() + "'";
        if (!hide_mounts() || std::system(made.c_str()) != 0) problem_ = "cannot mount a disk of whole seconds";
    }

    static bool hide_mounts() {
        return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    }

    std::filesystem::path directory_;
    std::string problem_;
};

}  // namespace deployer
