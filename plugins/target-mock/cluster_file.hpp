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
/// written to a draft and renamed into place, so readers always see a complete file, even when a writer is killed. The
/// file keeps the mode of the former version; the first one has 0600. Writers exclude each other with flock(2) on
/// `FILE.lock`. A missing file is an empty cluster; the first change creates the file and its directory. Nothing is
/// synced to the disk: written data survives the process, but no power cut.
///
/// Errors: `unavailable` for a file that cannot be read or written, or is damaged (a person repairs it while the
/// deployer waits); `misconfigured` for a path that can never be a state file; `cancelled`.
class ClusterFile {
public:
    /// Does no I/O.
    explicit ClusterFile(std::filesystem::path path);
    ~ClusterFile();
    ClusterFile(const ClusterFile&) = delete;
    ClusterFile& operator=(const ClusterFile&) = delete;
    ClusterFile(ClusterFile&&) = delete;
    ClusterFile& operator=(ClusterFile&&) = delete;

    /// The absolute, lexically normalised path. Symbolic links are not resolved.
    [[nodiscard]] std::filesystem::path path() const;

    /// The cluster as the file has it now. Reads the file only when it has changed since the last time. Does not wait
    /// for the file's lock.
    [[nodiscard]] std::shared_ptr<const Cluster> read(const Call& call);

    /// Changes a cluster; false when there was nothing to change. An edit that throws must not have changed anything.
    using Edit = std::function<bool(Cluster&)>;

    /// Runs `edit` on the present cluster and returns once the result is in the file. Without a change, the file stays
    /// untouched. Edits that arrive while another one is being written are written together, by the first of their
    /// threads. Passes on the edit's exceptions. An edit that was given up at the deadline or a stop request is not
    /// made.
    void change(const Edit& edit, const Call& call);

    /// As change(), but does nothing while another thread or process is changing the file.
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

    std::mutex version_mutex_;  ///< taken after queue_mutex_ when both are needed
    std::shared_ptr<const Version> version_;

    std::mutex queue_mutex_;
    std::condition_variable_any queue_moved_;
    std::deque<Request*> queue_;  ///< each lives on the stack of its waiting thread
    bool led_ = false;
};

}  // namespace deployer::mock
