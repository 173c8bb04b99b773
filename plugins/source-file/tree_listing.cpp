#include "tree_listing.hpp"

#include "directory_walk.hpp"
#include "posix/errno_text.hpp"
#include "posix/file_descriptor.hpp"
#include "tree/hidden_end.hpp"
#include "tree/relative_path.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <ctime>
#include <set>
#include <system_error>
#include <utility>

namespace deployer {

namespace {

constexpr std::size_t entry_limit = 100'000;
constexpr int depth_limit = 32;

std::int64_t wall_clock() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds(now);
}

/// Whether the entry is gone or was replaced; the next listing shows that.
bool has_moved(int error) noexcept {
    return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

bool is_forbidden(int error) noexcept {
    return error == EACCES || error == EPERM;
}

[[noreturn]] void fail(const std::string& path, int error) {
    throw std::system_error(error, std::generic_category(), "cannot look at " + quote(path));
}

class Lister {
public:
    Lister(int root, const std::filesystem::path& path, TreeWatch& watch, const Call& call)
        : root_(root), root_path_(path), watch_(watch), call_(call) {
        listing_.taken = wall_clock();
    }

    TreeListing list() && {
        list_directory("", root_, 0);
        sort();
        for (int rounds = 0; rounds < link_limit && list_hidden(); ++rounds) sort();
        return std::move(listing_);
    }

private:
    void list_directory(const std::string& path, int directory, int depth) {
        call_.check("reading the directory");
        watch_.add_directory(path);
        struct stat status {};
        if (::fstat(directory, &status) != 0) fail(path, errno);
        note_change(path, status);
        for (const auto& name : names_in(directory, entry_limit + 1)) {
            if (!is_hidden(name)) list_entry(join(path, name), directory, name, depth);
        }
    }

    void list_entry(const std::string& path, int directory, const std::string& name, int depth) {
        struct stat status {};
        if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) return;
            fail(path, errno);
        }
        if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) {
            // Without a stamp, because data that goes through a fifo is no change.
            add({path, {TreeNode::Kind::special, {}}, {}});
            return;
        }
        note_change(path, status);
        TreeEntry entry{path, {}, stamp_of(status)};
        if (S_ISDIR(status.st_mode)) {
            enter(std::move(entry), directory, name, depth);
            return;
        }
        if (S_ISLNK(status.st_mode) && !read_link(entry, directory, name)) return;
        add(std::move(entry));
    }

    void enter(TreeEntry entry, int directory, const std::string& name, int depth) {
        entry.node.kind = TreeNode::Kind::directory;
        entry.stamp = {};
        const FileDescriptor opened(
            ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        const auto error = errno;
        if (!opened && has_moved(error)) return;
        if (!opened && !is_forbidden(error)) fail(entry.path, error);
        const bool deep = depth == depth_limit;
        if (!opened || deep || ::faccessat(directory, name.c_str(), X_OK, AT_EACCESS) != 0) {
            entry.node = {TreeNode::Kind::unreadable, deep ? "it is nested too deeply" : errno_text(EACCES)};
            add(std::move(entry));
            return;
        }
        const auto path = entry.path;
        add(std::move(entry));
        list_directory(path, opened.get(), depth + 1);
    }

    bool read_link(TreeEntry& entry, int directory, const std::string& name) {
        std::array<char, PATH_MAX> target{};
        const auto length = ::readlinkat(directory, name.c_str(), target.data(), target.size());
        if (length < 0 && (errno == ENOENT || errno == EINVAL)) return false;
        if (length < 0) fail(entry.path, errno);
        const std::string text(target.data(), static_cast<std::size_t>(length));
        entry.node = {TreeNode::Kind::link, target_below(root_path_, text)};
        return true;
    }

    void sort() {
        std::sort(listing_.entries.begin(), listing_.entries.end(),
                  [](const TreeEntry& left, const TreeEntry& right) { return left.path < right.path; });
    }

    [[nodiscard]] const TreeNode* find(const std::string& path) const {
        const auto found =
            std::lower_bound(listing_.entries.begin(), listing_.entries.end(), path,
                             [](const TreeEntry& entry, const std::string& wanted) { return entry.path < wanted; });
        return found != listing_.entries.end() && found->path == path ? &found->node : nullptr;
    }

    /// Lists hidden entries that symbolic links lead to. An entry found so may contain, or be, a link to another one,
    /// so this is repeated until it returns false: nothing new.
    bool list_hidden() {
        const auto look = [this](const std::string& path) { return find(path); };
        std::set<std::string> fresh;
        for (const auto& entry : listing_.entries) {
            if (entry.node.kind != TreeNode::Kind::link) continue;
            auto hidden = hidden_end(entry.path, look);
            if (hidden && !admitted_.contains(*hidden)) fresh.insert(*std::move(hidden));
        }
        for (const auto& path : fresh) list_hidden(path);
        admitted_.insert(fresh.begin(), fresh.end());
        return !fresh.empty();
    }

    void list_hidden(const std::string& path) {
        watch_.add_hidden(path);
        const auto slash = path.rfind('/');
        if (slash == std::string::npos) {
            list_entry(path, root_, path, 0);
            return;
        }
        const auto directory = open_beneath(root_, path.substr(0, slash), O_RDONLY | O_DIRECTORY);
        if (directory) list_entry(path, directory.get(), path.substr(slash + 1), 0);
    }

    void note_change(const std::string& path, const struct stat& status) {
        const auto changed = nanoseconds(status.st_ctim);
        // Of entries with equal times the last one, which is the deepest.
        if (changed < listing_.newest) return;
        listing_.newest = changed;
        listing_.newest_path = path;
    }

    void add(TreeEntry entry) {
        if (listing_.entries.size() == entry_limit) {
            throw Error(ErrorKind::unavailable,
                        "it holds more than " + std::to_string(entry_limit) +
                            " files: the source's path has to be the directory of services.yaml and its service files");
        }
        listing_.entries.push_back(std::move(entry));
    }

    int root_;
    const std::filesystem::path& root_path_;
    TreeWatch& watch_;
    const Call& call_;
    TreeListing listing_;
    std::set<std::string> admitted_;  ///< hidden names that links lead to, existing or not
};

}  // namespace

TreeListing list_tree(int root, const std::filesystem::path& path, TreeWatch& watch, const Call& call) {
    return Lister(root, path, watch, call).list();
}

}  // namespace deployer
