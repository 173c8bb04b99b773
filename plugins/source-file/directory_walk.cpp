#include "directory_walk.hpp"

#include "posix/errno_text.hpp"

#include <deployer/error.hpp>

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace deployer {

namespace {

std::string remedy_for(int error) {
    switch (error) {
        case ENOENT:
            return ": create it, or correct the source's path";
        case ENOTDIR:
            return ": the source's path has to be a directory";
        case EACCES:
            return ": let the deployer's user read it";
        default:
            return "";
    }
}

}  // namespace

FileDescriptor open_root(const std::filesystem::path& root) {
    FileDescriptor opened(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened) return opened;
    const auto error = errno;
    throw Error(ErrorKind::unavailable, errno_text(error) + remedy_for(error));
}

FileDescriptor open_beneath(int root, std::string_view path, int flags) {
    FileDescriptor directory;
    while (true) {
        const auto slash = path.find('/');
        const bool last = slash == std::string_view::npos;
        const std::string name(path.substr(0, slash));
        const int how = last ? flags | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY;
        FileDescriptor next(::openat(directory ? directory.get() : root, name.c_str(), how | O_NOFOLLOW | O_CLOEXEC));
        if (last || !next) return next;
        directory = std::move(next);
        path.remove_prefix(slash + 1);
    }
}

std::vector<std::string> names_in(int directory, std::size_t limit) {
    const auto fail = [] { throw std::system_error(errno, std::generic_category(), "cannot list a directory"); };
    FileDescriptor own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) fail();
    const auto close = [](DIR* stream) { ::closedir(stream); };
    const std::unique_ptr<DIR, decltype(close)> stream(::fdopendir(own.get()), close);
    if (!stream) fail();
    (void)own.release();
    std::vector<std::string> names;
    while (names.size() < limit) {
        errno = 0;
        const auto* entry = ::readdir(stream.get());
        if (entry == nullptr && errno != 0) fail();
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string target_below(const std::filesystem::path& root, const std::string& target) {
    if (!target.starts_with('/')) return target;
    const auto normal = root.lexically_normal().native();
    const auto prefix = normal.ends_with('/') ? normal : normal + "/";
    if (!target.starts_with(prefix)) return "/.." + target;
    return target.substr(prefix.size() - 1);
}

}  // namespace deployer
