#include "durable_file.hpp"

#include "posix/file_descriptor.hpp"
#include "posix/whole_file.hpp"

#include <deployer/foreign_text.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace deployer {

namespace {

[[noreturn]] void fail(const char* step) {
    throw std::system_error(errno, std::generic_category(), step);
}

void sync(int file) {
    if (::fsync(file) != 0) fail("fsync");
}

/// A file that was created or removed is durable only when its directory is synced.
void sync_directory(const std::filesystem::path& directory) {
    const FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) fail("open the directory");
    sync(opened.get());
}

void write_new(const std::filesystem::path& file, std::span<const std::string_view> parts) {
    // Always create a new file: an existing file of this name is unfinished, and may be a link to somewhere else.
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) fail("remove the unfinished file");
    FileDescriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!out) fail("create a file");
    // The document's mode is 0600, whatever the umask.
    if (::fchmod(out.get(), 0600) != 0) fail("set the mode");
    for (const auto part : parts) write_whole(out.get(), part);
    sync(out.get());
    close_written(out);
}

/// Creates one directory durably. `directory` has no slash at the end.
void make_level(const std::filesystem::path& directory, mode_t mode) {
    struct stat found {};
    if (::stat(directory.c_str(), &found) == 0) {
        if (S_ISDIR(found.st_mode)) return;
        throw std::system_error(ENOTDIR, std::generic_category(), "create directory " + quote(directory.native()));
    }
    if (errno != ENOENT) fail("look at the directory");
    if (::lstat(directory.c_str(), &found) == 0) {
        throw std::system_error(ENOENT, std::generic_category(),
                                "symbolic link " + quote(directory.native()) + " leads nowhere");
    }
    const auto parent = directory.parent_path();
    constexpr mode_t any_user = 0777;
    if (!parent.empty()) make_level(parent, any_user);
    if (::mkdir(directory.c_str(), mode) != 0 && errno != EEXIST) fail("create the directory");
    sync_directory(parent.empty() ? "." : parent);
}

}  // namespace

void replace_file(const std::filesystem::path& file, std::span<const std::string_view> parts, std::string_view suffix) {
    auto unfinished = file;
    unfinished += suffix;
    try {
        write_new(unfinished, parts);
        if (std::rename(unfinished.c_str(), file.c_str()) != 0) fail("rename");
    } catch (const std::system_error&) {
        ::unlink(unfinished.c_str());
        throw;
    }
    sync_directory(file.parent_path());
}

void remove_file(const std::filesystem::path& file) {
    // Sync also when the file is absent: a crash may have come between an earlier removal and its sync, and the file
    // could then reappear.
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) fail("remove");
    sync_directory(file.parent_path());
}

void make_directory(const std::filesystem::path& directory) {
    make_level(directory, 0700);
}

std::optional<std::string> read_file(const std::filesystem::path& file, std::size_t limit) {
    const FileDescriptor in(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!in && errno == ENOENT) return std::nullopt;
    if (!in) fail("open");
    struct stat found {};
    if (::fstat(in.get(), &found) != 0) fail("look at it");
    if (!S_ISREG(found.st_mode)) {
        throw std::system_error(EINVAL, std::generic_category(), "it is not a regular file");
    }
    if (static_cast<std::size_t>(found.st_size) > limit) {
        throw std::system_error(EFBIG, std::generic_category(), "it is too large");
    }
    return read_whole(in.get(), static_cast<std::size_t>(found.st_size));
}

}  // namespace deployer
