#include "cluster_file.hpp"

#include "cluster_json.hpp"

#include <deployer/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <system_error>
#include <utility>

namespace deployer::mock {
namespace {

namespace fs = std::filesystem;

constexpr off_t largest_file = off_t{512} << 20U;
constexpr std::chrono::milliseconds lock_poll(2);

class Descriptor {
public:
    explicit Descriptor(int number = -1) noexcept : number_(number) {}
    ~Descriptor() { close(); }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            close();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    void close() const noexcept {
        if (is_open()) ::close(number_);
    }
    int number_;
};

/// What tells one version of a file from another, as long as the first is kept open: its inode number is not given to
/// another file meanwhile.
struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;

    bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const struct stat& status) {
    return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

fs::path beside(const fs::path& file, std::string_view ending) {
    auto name = file;
    name += ending;
    return name;
}

[[noreturn]] void fail(std::string_view doing, const fs::path& file, int code = errno) {
    const bool permanent = code == ENOTDIR || code == EISDIR || code == ELOOP || code == ENAMETOOLONG;
    throw Error(permanent ? ErrorKind::misconfigured : ErrorKind::unavailable,
                "cannot " + std::string(doing) + " " + file.string() + ": " + std::generic_category().message(code));
}

struct stat status_of(const Descriptor& descriptor, const fs::path& file) {
    struct stat status {};
    if (::fstat(descriptor.number(), &status) != 0) fail("look at", file);
    return status;
}

/// Nullopt: there is none.
std::optional<Stamp> find_stamp(const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0) return stamp_of(status);
    if (errno == ENOENT) return std::nullopt;
    fail("look at", file);
}

/// Not open: there is none.
Descriptor open_to_read(const fs::path& file) {
    // Not blocking, or a FIFO in its place would hold the call for ever.
    Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!descriptor.is_open() && errno != ENOENT) fail("read", file);
    return descriptor;
}

std::string read_all(const Descriptor& descriptor, const fs::path& file) {
    const auto status = status_of(descriptor, file);
    if (!S_ISREG(status.st_mode)) {
        throw Error(ErrorKind::misconfigured, "cannot read " + file.string() + ": it is no regular file");
    }
    if (status.st_size > largest_file) {
        throw Error(ErrorKind::unavailable, "cannot read " + file.string() + ": " + std::to_string(status.st_size) +
                                                " bytes are more than a state file can have");
    }
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const auto count = ::read(descriptor.number(), &text[done], text.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("read", file);
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    text.resize(done);
    return text;
}

void write_all(const Descriptor& descriptor, std::string_view text, const fs::path& file) {
    while (!text.empty()) {
        const auto count = ::write(descriptor.number(), text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("write", file);
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

/// A file that goes away again unless it is renamed into place.
class Draft {
public:
    explicit Draft(const fs::path& file) : file_(file), draft_(beside(file, ".tmp")) {
        // One is left over where a writer was killed; the lock says that nobody is writing it now.
        ::unlink(draft_.c_str());
        constexpr mode_t mode = 0666;
        descriptor_ = Descriptor(::open(draft_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (!descriptor_.is_open()) fail("write", draft_);
    }
    ~Draft() {
        if (!placed_) ::unlink(draft_.c_str());
    }
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    Draft(Draft&&) = delete;
    Draft& operator=(Draft&&) = delete;

    void write(std::string_view text) { write_all(descriptor_, text, draft_); }

    /// Hands out the file, open to be read: one kept open for writing would keep its disk from being mounted read-only.
    Descriptor place() {
        descriptor_ = Descriptor(::open(draft_.c_str(), O_RDONLY | O_CLOEXEC));
        if (!descriptor_.is_open()) fail("read", draft_);
        if (::rename(draft_.c_str(), file_.c_str()) != 0) fail("replace", file_);
        placed_ = true;
        return std::move(descriptor_);
    }

private:
    fs::path file_;
    fs::path draft_;
    Descriptor descriptor_;
    bool placed_ = false;
};

Descriptor open_lock(const fs::path& lock_file) {
    constexpr mode_t mode = 0666;
    return Descriptor(::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode));
}

Descriptor open_lock_and_directory(const fs::path& lock_file) {
    auto lock = open_lock(lock_file);
    if (!lock.is_open() && errno == ENOENT) {
        std::error_code problem;
        fs::create_directories(lock_file.parent_path(), problem);
        if (problem) fail("create directory", lock_file.parent_path(), problem.value());
        lock = open_lock(lock_file);
    }
    if (!lock.is_open()) fail("open lock file", lock_file);
    return lock;
}

/// Held until the descriptor is closed, also by the death of the process.
Descriptor take_lock(const fs::path& lock_file, const Call& call) {
    const auto doing = "waiting for " + lock_file.string() + ", which another process holds,";
    for (;;) {
        auto lock = open_lock_and_directory(lock_file);
        while (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK && errno != EINTR) fail("lock", lock_file);
            if (!call.wait(lock_poll)) call.check(doing);
        }
        // Somebody may have removed the file, or the whole directory, while this was waiting for it.
        const auto there = find_stamp(lock_file);
        const auto locked = stamp_of(status_of(lock, lock_file));
        if (there && there->device == locked.device && there->inode == locked.inode) return lock;
        call.check(doing);
    }
}

}  // namespace

struct ClusterFile::Version {
    Cluster cluster;
    std::optional<Stamp> stamp;  ///< nullopt: there was no file
    Descriptor descriptor;       ///< see Stamp
};

struct ClusterFile::Request {
    enum class Progress { queued, taken, done };
    const Edit& edit;
    Progress progress = Progress::queued;
    std::exception_ptr problem = nullptr;
};

ClusterFile::ClusterFile(fs::path path) : path_(std::move(path)) {}

ClusterFile::~ClusterFile() = default;

fs::path ClusterFile::location() const {
    std::error_code problem;
    const auto whole = fs::absolute(path_, problem);
    auto real = fs::weakly_canonical(whole, problem);
    // What cannot be resolved cannot be opened either, and opening it says why.
    return problem ? whole.lexically_normal() : real;
}

std::shared_ptr<const Cluster> ClusterFile::read() {
    const auto file = location();
    const std::lock_guard lock(version_mutex_);
    auto version = load(file);
    const auto* cluster = &version->cluster;
    return {std::move(version), cluster};
}

/// With version_mutex_ held.
std::shared_ptr<const ClusterFile::Version> ClusterFile::load(const fs::path& file) {
    if (version_ && version_->stamp == find_stamp(file)) return version_;
    auto version = std::make_shared<Version>();
    version->descriptor = open_to_read(file);
    if (version->descriptor.is_open()) {
        // Taken before reading: who edits the file in place meanwhile makes it another one.
        version->stamp = stamp_of(status_of(version->descriptor, file));
        try {
            version->cluster = read_cluster(read_all(version->descriptor, file));
        } catch (const Error& problem) {
            if (problem.kind() != ErrorKind::rejected) throw;
            throw Error(ErrorKind::unavailable, "state file " + file.string() + " is damaged: " + problem.what() +
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
            lead(lock, request, call);
        }
    }
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
    // Somebody is writing it at this moment: that ends soon, and only then is it known how.
    queue_moved_.wait(lock, [&request] { return request.progress != Progress::taken; });
}

void ClusterFile::lead(std::unique_lock<std::mutex>& lock, Request& request, const Call& call) {
    led_ = true;
    lock.unlock();
    std::deque<Request*> batch;
    std::optional<Error> problem;
    try {
        const auto file = location();
        const auto file_lock = take_lock(beside(file, ".lock"), call);
        batch = take_all();
        commit(file, batch);
    } catch (const Error& failure) {
        problem = failure;
    } catch (const std::exception& failure) {
        problem = Error(ErrorKind::internal, failure.what());
    }
    lock.lock();
    led_ = false;
    if (batch.empty()) {
        // The lock was not to be had. That is this call's failure; the others try for themselves.
        std::erase(queue_, &request);
        batch.push_back(&request);
    }
    for (auto* taken : batch) {
        taken->progress = Request::Progress::done;
        // One of its own for each: they are thrown, and end, on several threads.
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

void ClusterFile::commit(const fs::path& file, const std::deque<Request*>& batch) {
    // Held to the end, so that readers do not read the new file just before its cluster is known here.
    const std::lock_guard lock(version_mutex_);
    auto cluster = load(file)->cluster;
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

/// With version_mutex_ held.
void ClusterFile::write(const fs::path& file, Cluster cluster) {
    Draft draft(file);
    draft.write(write_cluster(cluster));
    auto version = std::make_shared<Version>();
    version->cluster = std::move(cluster);
    version->descriptor = draft.place();
    version->stamp = stamp_of(status_of(version->descriptor, file));
    version_ = std::move(version);
}

}  // namespace deployer::mock
