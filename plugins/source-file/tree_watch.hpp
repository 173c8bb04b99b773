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

/// Reports of a watch. A time stamp need not show a reported change: stamps are as coarse as the file system makes
/// them.
struct TreeReports {
    bool anywhere = false;        ///< something that cannot be put down to names below the root
    std::set<std::string> paths;  ///< names below the root that came, went or changed
};

/// Tells when a directory tree may have changed, and also when the way to it did: its root deleted, created again,
/// replaced, or reached through another symbolic link. Changes count from begin() on, whoever waits, so nothing is lost
/// between looking at a tree and waiting. Where inotify cannot be had or has run out, that is said once in the log, and
/// waiting ends at the deadline.
class TreeWatch {
public:
    /// Before each look at the tree: hands over what was reported since the last time, which the look need not see, and
    /// watches the way to the root.
    [[nodiscard]] TreeReports begin(const std::filesystem::path& root, Log& log);
    /// A directory of the tree, "" for the root, before its names are read.
    void add_directory(std::string_view path);
    /// A hidden name that counts nevertheless.
    void add_hidden(std::string_view path);
    /// After the look: what was not named since begin() is watched no longer.
    void end();

    /// Returns when something may have changed since begin(), at the deadline, or at stop. At once if there was no
    /// look. Changes of the `ignored` names below the root alone end no waiting.
    void wait(const Call& call, const std::set<std::string>& ignored);

private:
    struct Watched {
        bool whole = false;               ///< every name in it counts that is not hidden
        std::set<std::string> names;      ///< these count
        std::optional<std::string> path;  ///< below the root, if it is there
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
