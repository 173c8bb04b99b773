#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace deployer {

/// Mounts a file or directory over another one, visible to this process only. Without the right to mount, problem()
/// gives the reason; the test prints it and skips itself.
class Mounted {
public:
    Mounted(const std::filesystem::path& what, std::filesystem::path where) : where_(std::move(where)) {
        const bool mounted = ::unshare(CLONE_NEWNS) == 0 &&
                             ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                             ::mount(what.c_str(), where_.c_str(), nullptr, MS_BIND, nullptr) == 0;
        if (!mounted) problem_ = "cannot mount over " + where_.string() + ": " + std::generic_category().message(errno);
    }
    ~Mounted() {
        if (problem_.empty()) ::umount2(where_.c_str(), MNT_DETACH);
    }
    Mounted(const Mounted&) = delete;
    Mounted& operator=(const Mounted&) = delete;
    Mounted(Mounted&&) = delete;
    Mounted& operator=(Mounted&&) = delete;

    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

private:
    std::filesystem::path where_;
    std::string problem_;
};

}  // namespace deployer
