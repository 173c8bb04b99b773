#include "cluster_file.hpp"

#include "cluster_json.hpp"
#include "posix/errno_text.hpp"
#include "posix/file_descriptor.hpp"
#include "posix/file_stamp.hpp"
#include "posix/whole_file.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <system_error>
#include <utility>

namespace deployer::mock {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds lock_poll(2);
constexpr int link_limit = 40;

fs::path beside(const fs::path& file, std::string_view ending) {
    auto name = file;
    name += ending;
    return name;
}

[[noreturn]] void fail(std::string_view doing, const fs::path& file, int code = errno) {
    const bool permanent = code == ENOTDIR || code == EISDIR || code == ELOOP || code == ENAMETOOLONG;
    throw Error(permanent ? ErrorKind::misconfigured : ErrorKind::unavailable,
                "cannot " + std::string(doing) + " " + printable(file.native()) + ": " + errno_text(code));
}

struct stat status_of(const FileDescriptor& descriptor, const fs::path& file) {
    struct stat status {};
    if (::fstat(descriptor.get(), &status) != 0) fail("look at", file);
    return status;
}

/// The file's status; nullopt when there is no file.
std::optional<struct stat> find_status(const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0) return status;
    if (errno == ENOENT) return std::nullopt;
    fail("look at", file);
}

/// A stamp that tells versions of a file apart; nullopt when there is no file. The former version must be kept open, so
/// that the system does not give its inode number to the next one.
std::optional<FileStamp> find_stamp(const fs::path& file) {
    const auto status = find_status(file);
    return status ? std::optional(stamp_of(*status)) : std::nullopt;
}

/// Opens the file; empty when there is no file.
FileDescriptor open_to_read(const fs::path& file) {
    // O_NONBLOCK, because a FIFO in place of the file would block the call for ever.
    FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!descriptor && errno != ENOENT) fail("read", file);
    return descriptor;
}

std::string read_text(const FileDescriptor& descriptor, const fs::path& file) {
    const auto status = status_of(descriptor, file);
    if (!S_ISREG(status.st_mode)) {
        throw Error(ErrorKind::misconfigured, "cannot read " + printable(file.native()) + ": it is no regular file");
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size > state_file_limit) {
        throw Error(ErrorKind::unavailable, "cannot read " + printable(file.native()) + ": its " +
                                                std::to_string(size) + " bytes are more than the " +
                                                std::to_string(state_file_limit) + " of the largest state file");
    }
    try {
        return read_whole(descriptor.get(), size);
    } catch (const std::system_error& problem) {
        fail("read", file, problem.code().value());
    }
}

/// A file that is removed again unless it is renamed into place.
class Draft {
public:
    explicit Draft(const fs::path& file) : file_(file), draft_(beside(file, ".tmp")) {
        const auto former = find_status(file);
        const mode_t mode = former ? former->st_mode & mode_t{07777} : mode_t{0600};
        // A killed writer may have left a draft. This process holds the lock, so no other process is writing it now.
        ::unlink(draft_.c_str());
        descriptor_ = FileDescriptor(::open(draft_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!descriptor_) fail("write", draft_);
        if (::fchmod(descriptor_.get(), mode) != 0) {
            const auto error = errno;
            ::unlink(draft_.c_str());
            fail("set the mode of", draft_, error);
        }
    }
    ~Draft() {
        if (!placed_) ::unlink(draft_.c_str());
    }
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    Draft(Draft&&) = delete;
    Draft& operator=(Draft&&) = delete;

    void write(std::string_view text) {
        try {
            write_whole(descriptor_.get(), text);
            close_written(descriptor_);
        } catch (const std::system_error& problem) {
            fail("write", draft_, problem.code().value());
        }
    }

    /// Renames the file into place and returns it opened for reading. A descriptor for writing would keep people from
    /// remounting the disk read-only.
    FileDescriptor place() {
        FileDescriptor reader(::open(draft_.c_str(), O_RDONLY | O_CLOEXEC));
        if (!reader) fail("read", draft_);
        if (::rename(draft_.c_str(), file_.c_str()) != 0) fail("replace", file_);
        placed_ = true;
        return reader;
    }

private:
    fs::path file_;
    fs::path draft_;
    FileDescriptor descriptor_;
    bool placed_ = false;
};

FileDescriptor open_lock(const fs::path& lock_file) {
    constexpr mode_t mode = 0666;
    return FileDescriptor(::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode));
}

FileDescriptor open_lock_and_directory(const fs::path& lock_file) {
    auto lock = open_lock(lock_file);
    if (!lock && errno == ENOENT) {
        std::error_code problem;
        fs::create_directories(lock_file.parent_path(), problem);
        if (problem) fail("create directory", lock_file.parent_path(), problem.value());
        lock = open_lock(lock_file);
    }
    if (!lock) fail("open lock file", lock_file);
    return lock;
}

/// Takes the lock; empty when another process holds it. The lock lasts until the descriptor is closed, also by the end
/// of the process.
FileDescriptor try_lock(const fs::path& lock_file) {
    auto lock = open_lock_and_directory(lock_file);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) fail("lock", lock_file);
        return {};
    }
    // Somebody may have removed the file, or the whole directory, since it was opened.
    return is_name_of(lock_file, lock.get()) ? std::move(lock) : FileDescriptor();
}

FileDescriptor take_lock(const fs::path& lock_file, const Call& call) {
    for (;;) {
        auto lock = try_lock(lock_file);
        if (lock) return lock;
        if (!call.wait(lock_poll)) {
            call.check("waiting for " + printable(lock_file.native()) + ", which another process holds,");
        }
    }
}

}  // namespace

struct ClusterFile::Version {
    Cluster cluster;
    std::optional<FileStamp> stamp;  ///< nullopt: there was no file
    FileDescriptor descriptor;       ///< see find_stamp()
};

struct ClusterFile::Request {
    enum class Progress { queued, taken, done };
    const Edit& edit;
    Progress progress = Progress::queued;
    std::exception_ptr problem = nullptr;
};

ClusterFile::ClusterFile(fs::path path) : path_(std::move(path)) {}

ClusterFile::~ClusterFile() = default;

fs::path ClusterFile::path() const {
    std::error_code problem;
    const auto whole = fs::absolute(path_, problem);
    return (problem ? path_ : whole).lexically_normal();
}

/// The real path of the file. A symbolic link to a missing file is followed, too: the file will be created there.
fs::path ClusterFile::location() const {
    std::error_code problem;
    auto place = path();
    for (int links = 0; links < link_limit; ++links) {
        place = fs::weakly_canonical(place, problem);
        if (problem) break;
        const auto target = fs::read_symlink(place, problem);
        if (problem) return place;
        place = place.parent_path() / target;
    }
    // A path that cannot be resolved cannot be opened either, and the failure to open it gives the reason.
    return path();
}

std::shared_ptr<const Cluster> ClusterFile::read(const Call& call) {
    return read(location(), call);
}

std::shared_ptr<const Cluster> ClusterFile::read(const fs::path& file, const Call& call) {
    const std::lock_guard lock(version_mutex_);
    auto version = load(file, call);
    const auto* cluster = &version->cluster;
    return {std::move(version), cluster};
}

/// To be called with version_mutex_ held.
std::shared_ptr<const ClusterFile::Version> ClusterFile::load(const fs::path& file, const Call& call) {
    if (version_ && version_->stamp == find_stamp(file)) return version_;
    auto version = std::make_shared<Version>();
    version->descriptor = open_to_read(file);
    if (version->descriptor) {
        // Taken before reading, so that an edit of the file during the reading shows as another version.
        version->stamp = stamp_of(status_of(version->descriptor, file));
        try {
            version->cluster = read_cluster(read_text(version->descriptor, file), call);
        } catch (const Error& problem) {
            if (problem.kind() != ErrorKind::rejected) throw;
            throw Error(ErrorKind::unavailable, "state file " + printable(file.native()) +
                                                    " is damaged: " + problem.what() +
                                                    "; repair it, or remove it to begin with an empty cluster");
        }
    }
    version_ = version;
    return version;
}

void ClusterFile::change(const Edit& edit, const Call& call) {
    Request request{edit};
    std::unique_lock lock(queue_mutex_);
    queue_.push_back(&request);
    while (request.progress != Request::Progress::done) {
        if (led_) {
            wait_for_turn(lock, request, call);
        } else {
            lead(lock, request, Patience::until_deadline, call);
        }
    }
    if (request.problem) std::rethrow_exception(request.problem);
}

void ClusterFile::change_if_free(const Edit& edit, const Call& call) {
    Request request{edit};
    std::unique_lock lock(queue_mutex_);
    if (led_) return;
    queue_.push_back(&request);
    lead(lock, request, Patience::none, call);
    if (request.problem) std::rethrow_exception(request.problem);
}

void ClusterFile::wait_for_turn(std::unique_lock<std::mutex>& lock, Request& request, const Call& call) {
    using Progress = Request::Progress;
    const auto moved = [this, &request] { return !led_ || request.progress != Progress::queued; };
    if (!queue_moved_.wait_until(lock, call.stop, call.deadline, moved)) {
        std::erase(queue_, &request);
        call.check("waiting for other changes of the state file");
        throw Error(ErrorKind::cancelled, "waiting for other changes of the state file: cancelled");
    }
    // Another thread may be writing this request at the moment. That ends soon, and only then the result is known.
    queue_moved_.wait(lock, [&request] { return request.progress != Progress::taken; });
}

void ClusterFile::lead(std::unique_lock<std::mutex>& lock, Request& request, Patience patience, const Call& call) {
    led_ = true;
    lock.unlock();
    std::deque<Request*> batch;
    std::optional<Error> problem;
    try {
        const auto file = location();
        const auto lock_file = beside(file, ".lock");
        const auto file_lock = patience == Patience::none ? try_lock(lock_file) : take_lock(lock_file, call);
        if (file_lock) {
            // Read before taking the other requests, because a failed reading for this call's deadline must not fail
            // them.
            const auto cluster = read(file, call);
            batch = take_all();
            commit(file, *cluster, batch);
        }
    } catch (const Error& failure) {
        problem = failure;
    } catch (const std::exception& failure) {
        problem = Error(ErrorKind::internal, failure.what());
    }
    lock.lock();
    led_ = false;
    if (batch.empty()) {
        // No request was written. A failure is this call's alone; the other calls try themselves.
        std::erase(queue_, &request);
        batch.push_back(&request);
    }
    for (auto* taken : batch) {
        taken->progress = Request::Progress::done;
        // Each request gets an exception object of its own, because several threads throw and destroy them.
        if (problem && !taken->problem) {
            taken->problem = std::make_exception_ptr(Error(problem->kind(), std::string(problem->what())));
        }
    }
    queue_moved_.notify_all();
}

std::deque<ClusterFile::Request*> ClusterFile::take_all() {
    const std::lock_guard lock(queue_mutex_);
    for (auto* request : queue_) request->progress = Request::Progress::taken;
    return std::exchange(queue_, {});
}

void ClusterFile::commit(const fs::path& file, Cluster cluster, const std::deque<Request*>& batch) {
    bool changed = false;
    for (auto* request : batch) {
        try {
            if (request->edit(cluster)) changed = true;
        } catch (...) {
            request->problem = std::current_exception();
        }
    }
    if (changed) write(file, std::move(cluster));
}

void ClusterFile::write(const fs::path& file, Cluster cluster) {
    const auto text = write_cluster(cluster);
    if (text.size() > state_file_limit) {
        throw Error(ErrorKind::rejected,
                    "the cluster would no longer fit into a state file: " + std::to_string(text.size()) +
                        " bytes are more than " + std::to_string(state_file_limit));
    }
    // Held until the end, so that no reader parses the new file before its cluster is stored here.
    const std::lock_guard lock(version_mutex_);
    Draft draft(file);
    draft.write(text);
    auto version = std::make_shared<Version>();
    version->cluster = std::move(cluster);
    version->descriptor = draft.place();
    version->stamp = stamp_of(status_of(version->descriptor, file));
    version_ = std::move(version);
}

}  // namespace deployer::mock
