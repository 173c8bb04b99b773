#pragma once

#include "posix/file_descriptor.hpp"

#include <deployer/call.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

struct inotify_event;

namespace deployer {

/// Tells when a directory tree may have changed, and also when the way to it did: its root deleted, created again,
/// replaced, or reached through another symbolic link. Changes count from begin() on, whoever waits, so nothing is lost
/// between looking at a tree and waiting. Where inotify cannot be had or has run out, that is said once in the log, and
/// waiting ends at the deadline.
class TreeWatch {
public:
    /// Before each look at the tree: forgets past changes, which the look will see, and watches the way to the root.
    void begin(const std::filesystem::path& root, Log& log);
    /// A directory of the tree, "" for the root, before its names are read.
    void add_directory(std::string_view path);
    /// A hidden name that counts nevertheless.
    void add_hidden(std::string_view path);
    /// After the look: what was not named since begin() is watched no longer.
    void end();

    /// Returns when something may have changed since begin(), at the deadline, or at stop. At once if there was no
    /// look.
    void wait(const Call& call);

private:
    struct Watched {
        bool whole = false;           ///< every name in it counts that is not hidden
        std::set<std::string> names;  ///< these count
        std::uint64_t round = 0;
    };

    void open();
    void watch_way_to(const std::filesystem::path& root);
    Watched* watch(const std::filesystem::path& directory, std::uint32_t events);
    bool take_changes();
    bool counts(const inotify_event& event, std::string_view name);
    void warn(const std::string& problem, int error);

    FileDescriptor inotify_;
    std::map<int, Watched> watched_;  ///< by watch descriptor
    std::filesystem::path root_;
    std::uint64_t round_ = 0;
    bool warned_ = false;
    Log* log_ = nullptr;  ///< between begin() and end() only
};

}  // namespace deployer
