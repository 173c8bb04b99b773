#include "tree_watch.hpp"

#include "directory_walk.hpp"
#include "posix/errno_text.hpp"
#include "tree/relative_path.hpp"

#include <deployer/foreign_text.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <deque>
#include <stop_token>
#include <system_error>
#include <utility>

namespace deployer {

namespace {

constexpr std::uint32_t name_events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t content_events =
    name_events | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

void wait_for_deadline(const Call& call) {
    while (call.wait(call.remaining())) {
    }
}

}  // namespace

TreeReports TreeWatch::begin(const std::filesystem::path& root, Log& log) {
    ++round_;
    root_ = root;
    log_ = &log;
    if (!inotify_) open();
    if (inotify_) {
        take_changes({});
        watch_way_to(root);
    }
    return std::exchange(reports_, {});
}

void TreeWatch::open() {
    inotify_ = FileDescriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify_) warn("cannot watch files", errno);
}

/// Watches every directory on the way to the root, but only for the one name that leads on: other changes in /tmp or /
/// must not end a wait.
void TreeWatch::watch_way_to(const std::filesystem::path& root) {
    std::error_code error;
    std::filesystem::path directory = "/";
    const auto names = components_of(std::filesystem::absolute(root, error).native());
    std::deque<std::string> ahead(names.begin(), names.end());
    for (int links = 0; !ahead.empty() && links <= link_limit;) {
        const auto name = ahead.front();
        ahead.pop_front();
        if (name == "..") {
            directory = directory.parent_path();
            continue;
        }
        if (auto* watched = watch(directory, name_events)) watched->names.insert(name);
        const auto next = directory / name;
        const auto target = std::filesystem::read_symlink(next, error);
        if (error) {
            directory = next;
            continue;
        }
        ++links;
        if (target.is_absolute()) directory = "/";
        const auto detour = components_of(target.native());
        ahead.insert(ahead.begin(), detour.begin(), detour.end());
    }
}

TreeWatch::Watched* TreeWatch::watch(const std::filesystem::path& directory, std::uint32_t events) {
    if (!inotify_) return nullptr;
    const int descriptor = ::inotify_add_watch(inotify_.get(), directory.c_str(), events | IN_ONLYDIR | IN_MASK_ADD);
    if (descriptor < 0) {
        // No warning for other errors: the parent's watch reports when a missing directory appears, and a directory
        // without read permission is no part of the tree.
        if (errno == ENOSPC || errno == ENOMEM) warn("cannot watch " + quote(directory.native()), errno);
        return nullptr;
    }
    auto& watched = watched_[descriptor];
    if (watched.round != round_) watched = {false, {}, std::nullopt, round_};
    return &watched;
}

TreeWatch::Watched* TreeWatch::watch_below(std::string_view path) {
    auto* watched = watch(path.empty() ? root_ : root_ / path, content_events);
    if (watched != nullptr) watched->path = path;
    return watched;
}

void TreeWatch::add_directory(std::string_view path) {
    if (auto* watched = watch_below(path)) watched->whole = true;
}

void TreeWatch::add_hidden(std::string_view path) {
    const auto slash = path.rfind('/');
    const bool in_root = slash == std::string_view::npos;
    auto* watched = watch_below(path.substr(0, in_root ? 0 : slash));
    if (watched != nullptr) watched->names.emplace(path.substr(in_root ? 0 : slash + 1));
}

void TreeWatch::end() {
    log_ = nullptr;
    for (auto entry = watched_.begin(); entry != watched_.end();) {
        if (entry->second.round == round_) {
            ++entry;
            continue;
        }
        ::inotify_rm_watch(inotify_.get(), entry->first);
        entry = watched_.erase(entry);
    }
}

void TreeWatch::wait(const Call& call, const std::set<std::string>& ignored) {
    if (round_ == 0) return;
    const FileDescriptor stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!inotify_ || !stopped) {
        wait_for_deadline(call);
        return;
    }
    const std::stop_callback wake(call.stop, [&] { ::eventfd_write(stopped.get(), 1); });
    std::array<pollfd, 2> polled{pollfd{inotify_.get(), POLLIN, 0}, pollfd{stopped.get(), POLLIN, 0}};
    constexpr std::chrono::milliseconds longest = std::chrono::hours(1);
    while (!call.stop.stop_requested() && call.remaining().count() > 0) {
        const auto pause = std::min(call.remaining(), longest);
        if (::poll(polled.data(), polled.size(), static_cast<int>(pause.count())) > 0 && take_changes(ignored)) return;
    }
}

/// Reads all events from the queue. True when an event counts that is not about an ignored path.
bool TreeWatch::take_changes(const std::set<std::string>& ignored) {
    // Enough to empty a full queue. The limit ends this loop when events come faster than they are read.
    constexpr int most_reads = 200;
    bool changed = false;
    alignas(inotify_event) std::array<char, 16'384> buffer{};
    for (int reads = 0; reads < most_reads; ++reads) {
        const auto got = ::read(inotify_.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return changed;
        for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            // The kernel pads the name with zero bytes.
            const std::string_view padded(buffer.data() + at + sizeof event, event.len);
            changed = take(event, padded.substr(0, padded.find('\0')), ignored) || changed;
            at += sizeof event + event.len;
        }
    }
    return changed;
}

bool TreeWatch::take(const inotify_event& event, std::string_view name, const std::set<std::string>& ignored) {
    const auto found = watched_.find(event.wd);
    const bool overflow = (event.mask & IN_Q_OVERFLOW) != 0;
    const bool known = found != watched_.end();
    const bool gone = (event.mask & (IN_IGNORED | IN_UNMOUNT)) != 0;
    const bool counts = overflow || (known && (gone || found->second.names.contains(std::string(name)) ||
                                               (found->second.whole && !is_hidden(name))));
    if (!counts) return false;
    const auto path = known && found->second.path ? join(*found->second.path, name) : std::string();
    if ((event.mask & IN_IGNORED) != 0) watched_.erase(found);
    if (path.empty()) {
        reports_.anywhere = true;
        return true;
    }
    reports_.paths.insert(path);
    return !ignored.contains(path);
}

void TreeWatch::warn(const std::string& problem, int error) {
    if (std::exchange(warned_, true)) return;
    log_->warning(problem + ": " + errno_text(error) +
                  ": changes are found at the next interval, not at once (see fs.inotify.max_user_watches and "
                  "fs.inotify.max_user_instances)");
}

}  // namespace deployer
