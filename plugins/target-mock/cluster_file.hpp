#pragma once

#include "cluster.hpp"

#include <deployer/call.hpp>

#include <condition_variable>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace deployer::mock {

/// A cluster in a file, shared by the threads of this process and by other processes. Each version of the file is
/// written aside and renamed into place, so whoever reads it, or is killed while writing, sees a whole one; it keeps
/// the mode of the former, the first has 0600. Writers exclude each other with flock(2) on `FILE.lock`. A missing file
/// is an empty cluster; the first change creates it and its directory. Nothing is synced to the disk: what a process
/// has written survives that process, not a power cut.
///
/// Errors: `unavailable` for what cannot be read or written, also a damaged file, which a person repairs while the
/// deployer waits; `misconfigured` for a path that can never be a state file; `cancelled`.
class ClusterFile {
public:
    /// No I/O.
    explicit ClusterFile(std::filesystem::path path);
    ~ClusterFile();
    ClusterFile(const ClusterFile&) = delete;
    ClusterFile& operator=(const ClusterFile&) = delete;
    ClusterFile(ClusterFile&&) = delete;
    ClusterFile& operator=(ClusterFile&&) = delete;

    /// Absolute and without detours, by its letters alone.
    [[nodiscard]] std::filesystem::path path() const;

    /// The cluster as the file has it now. Reads it only when it is another one than last time. Waits for no lock.
    [[nodiscard]] std::shared_ptr<const Cluster> read(const Call& call);

    /// Changes a cluster; false when there was nothing to change. May throw, then without having changed anything.
    using Edit = std::function<bool(Cluster&)>;

    /// Runs `edit` on what the file has now and returns once the result is in the file, which stays untouched when
    /// nothing changed. Edits that come while another one is being written go into the file together, on whichever of
    /// their threads is first. Throws what the edit throws. An edit that was given up for deadline or stop never
    /// happens.
    void change(const Edit& edit, const Call& call);

    /// As change(), but only if nobody else, here or in another process, is changing the file.
    void change_if_free(const Edit& edit, const Call& call);

private:
    struct Version;
    struct Request;
    enum class Patience { none, until_deadline };

    [[nodiscard]] std::filesystem::path location() const;
    [[nodiscard]] std::shared_ptr<const Cluster> read(const std::filesystem::path& file, const Call& call);
    [[nodiscard]] std::shared_ptr<const Version> load(const std::filesystem::path& file, const Call& call);
    void wait_for_turn(std::unique_lock<std::mutex>& lock, Request& request, const Call& call);
    void lead(std::unique_lock<std::mutex>& lock, Request& request, Patience patience, const Call& call);
    std::deque<Request*> take_all();
    void commit(const std::filesystem::path& file, Cluster cluster, const std::deque<Request*>& batch);
    void write(const std::filesystem::path& file, Cluster cluster);

    const std::filesystem::path path_;

    std::mutex version_mutex_;  ///< after queue_mutex_, if both
    std::shared_ptr<const Version> version_;

    std::mutex queue_mutex_;
    std::condition_variable_any queue_moved_;
    std::deque<Request*> queue_;  ///< each lives on the stack of its waiting thread
    bool led_ = false;
};

}  // namespace deployer::mock
