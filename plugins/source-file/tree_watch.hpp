#pragma once

#include "posix/file_descriptor.hpp"

#include <deployer/call.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

struct inotify_event;

namespace deployer {

/// Changes that a watch reported. A reported change may not show in any time stamp, because file systems keep times in
/// coarse steps.
struct TreeReports {
    bool anywhere = false;        ///< a change that cannot be assigned to a name below the root
    std::set<std::string> paths;  ///< paths below the root that were created, removed or changed
};

/// Reports when a directory tree, or the way to its root, may have changed: the root was deleted, created again,
/// replaced, or is reached through another symbolic link. Changes count from begin() on, so none is lost between a look
/// at the tree and the wait. When inotify is missing or out of watches, the log has one warning, and a wait ends at its
/// deadline.
class TreeWatch {
public:
    /// To be called before each look at the tree. Returns the changes reported since the last call, which may not show
    /// in the look, and watches the way to the root.
    [[nodiscard]] TreeReports begin(const std::filesystem::path& root, Log& log);
    /// Watches a directory of the tree ("" for the root). To be called before the directory is read.
    void add_directory(std::string_view path);
    /// Watches a hidden name that counts because a symbolic link leads to it.
    void add_hidden(std::string_view path);
    /// To be called after the look. Ends all watches that were not added again since begin().
    void end();

    /// Returns when something may have changed since begin(), at the deadline, or at a stop request; at once when there
    /// was no look. Changes of only the `ignored` paths below the root do not end the wait.
    void wait(const Call& call, const std::set<std::string>& ignored);

private:
    struct Watched {
        bool whole = false;               ///< every name that is not hidden counts
        std::set<std::string> names;      ///< further names that count
        std::optional<std::string> path;  ///< path below the root; nullopt outside
        std::uint64_t round = 0;
    };

    void open();
    void watch_way_to(const std::filesystem::path& root);
    Watched* watch(const std::filesystem::path& directory, std::uint32_t events);
    Watched* watch_below(std::string_view path);
    bool take_changes(const std::set<std::string>& ignored);
    bool take(const inotify_event& event, std::string_view name, const std::set<std::string>& ignored);
    void warn(const std::string& problem, int error);

    FileDescriptor inotify_;
    std::map<int, Watched> watched_;  ///< by watch descriptor
    TreeReports reports_;
    std::filesystem::path root_;
    std::uint64_t round_ = 0;
    bool warned_ = false;
    Log* log_ = nullptr;  ///< between begin() and end() only
};

}  // namespace deployer
