#include "host/plugin_file.hpp"

#include "host/plugin_refusal.hpp"

#include <deployer/foreign_text.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace fs = std::filesystem;

namespace deployer {
namespace {

std::string system_message(int number) {
    return std::generic_category().message(number);
}

FileIdentity identity_of(const struct stat& status) {
    return {status.st_dev, status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

struct stat status_of(const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0) return status;
    const int error = errno;
    std::error_code ignored;
    if (error == ENOENT && fs::is_symlink(fs::symlink_status(file, ignored))) {
        refuse("is a symbolic link to " + fs::read_symlink(file, ignored).string() + ", which does not exist");
    }
    if (error == ENOENT) refuse("there is no such file");
    refuse("cannot be looked at: " + system_message(error));
}

std::string_view type_word(mode_t mode) {
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

std::string mode_text(mode_t mode) {
    std::ostringstream text;
    text << '0' << std::oct << (mode & 07777U);
    return text.str();
}

/// Root must not run a file that another user can put in the place of `path`: in a directory that all may write to, any
/// entry can be replaced, and with the sticky bit an entry by its owner.
void check_directories(const fs::path& path) {
    for (auto entry = path; entry.has_relative_path(); entry = entry.parent_path()) {
        const auto directory = entry.parent_path();
        const auto mode = status_of(directory).st_mode;
        if ((mode & S_IWOTH) == 0) continue;
        if ((mode & S_ISVTX) == 0) {
            refuse("anyone may replace it, since " + directory.string() + " is writable by all (mode " +
                   mode_text(mode) + "), and this program runs as root; run chmod o-w " + directory.string());
        }
        struct stat status {};
        if (::lstat(entry.c_str(), &status) != 0) refuse("cannot be looked at: " + system_message(errno));
        if (status.st_uid == 0) continue;
        refuse("user " + std::to_string(status.st_uid) + " may replace it, since " + entry.string() +
               " is theirs, in a directory that is writable by all (mode " + mode_text(mode) +
               "), and this program runs as root (user 0); run chown -h root " + entry.string());
    }
}

/// Root must not run a file that another user could have written, or that is reached by a directory or link that
/// another user can change.
void check_protection(const fs::path& found, const fs::path& file, const struct stat& status) {
    if (::geteuid() != 0) return;
    if ((status.st_mode & S_IWOTH) != 0) {
        refuse("anyone may write to it (mode " + mode_text(status.st_mode) +
               "), and this program runs as root; run chmod o-w " + file.string());
    }
    check_directories(file);
    check_directories(fs::absolute(found));
}

}  // namespace

PluginFile checked_file(const fs::path& found) {
    // A link that leads nowhere gets a message of its own, which canonical() would not give.
    (void)status_of(found);
    // The file behind the links is the file that is loaded, so this file is judged.
    const auto file = fs::canonical(found);
    const auto status = status_of(file);
    if (!S_ISREG(status.st_mode)) refuse("is " + std::string(type_word(status.st_mode)) + ", not a regular file");
    if (found.extension() != ".so") {
        refuse("is named " + quote(found.filename().string()) + ", and a plugin's file is its name with .so");
    }
    check_protection(found, file, status);
    return {file, identity_of(status)};
}

}  // namespace deployer
