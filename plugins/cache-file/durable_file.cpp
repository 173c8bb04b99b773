#include "durable_file.hpp"

#include "posix/file_descriptor.hpp"

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

void write_whole(int file, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("write");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

void sync(int file) {
    if (::fsync(file) != 0) fail("fsync");
}

/// A new name, or the lack of one, is durable only when its directory is.
void sync_directory(const std::filesystem::path& directory) {
    const FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) fail("open the directory");
    sync(opened.get());
}

void write_new(const std::filesystem::path& file, std::span<const std::string_view> parts) {
    // Created afresh: what lies there under this name is unfinished, and may be a link to somewhere else.
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) fail("remove the unfinished file");
    FileDescriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!out) fail("create a file");
    // The process's umask is the operator's business, the document's mode is not.
    if (::fchmod(out.get(), 0600) != 0) fail("set the mode");
    for (const auto part : parts) write_whole(out.get(), part);
    sync(out.get());
    // Network and quota file systems may tell of a full disk as late as here.
    if (::close(out.release()) != 0) fail("close");
}

}  // namespace

void replace_file(const std::filesystem::path& file, std::span<const std::string_view> parts) {
    auto unfinished = file;
    unfinished += unfinished_suffix;
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
    // Synced also when there is none: a removal that a crash cut off before its sync could come undone otherwise.
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) fail("remove");
    sync_directory(file.parent_path());
}

void make_directory(const std::filesystem::path& directory) {
    struct stat found {};
    if (::stat(directory.c_str(), &found) == 0) {
        if (S_ISDIR(found.st_mode)) return;
        throw std::system_error(ENOTDIR, std::generic_category(), "create the directory");
    }
    if (errno != ENOENT) fail("look at the directory");
    const auto parent = directory.parent_path();
    if (!parent.empty()) std::filesystem::create_directories(parent);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) fail("create the directory");
    sync_directory(parent.empty() ? "." : parent);
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
    std::string text(static_cast<std::size_t>(found.st_size), '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const auto got = ::read(in.get(), text.data() + filled, text.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("read");
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    text.resize(filled);
    return text;
}

}  // namespace deployer
