#include "child_process.hpp"

#include "posix/errno_text.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

namespace deployer::exec {
namespace {

using std::chrono::milliseconds;

[[noreturn]] void fail(const std::string& doing, int code) {
    throw Error(ErrorKind::unavailable, "cannot " + doing + ": " + errno_text(code));
}

/// Moves a descriptor above 0, 1 and 2. A deployer that was started with closed streams may get these numbers, but the
/// child's streams are set up there one after the other.
FileDescriptor above_streams(FileDescriptor descriptor) {
    if (descriptor.get() > STDERR_FILENO) return descriptor;
    FileDescriptor higher(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!higher) fail("make a descriptor", errno);
    return higher;
}

/// The two ends of a stream: the deployer's end first.
using Ends = std::pair<FileDescriptor, FileDescriptor>;

void make_non_blocking(const FileDescriptor& descriptor) {
    if (::fcntl(descriptor.get(), F_SETFL, O_NONBLOCK) != 0) fail("set up a pipe", errno);
}

Ends make_socket() {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) fail("make a socket", errno);
    Ends ends{FileDescriptor(pair[0]), FileDescriptor(pair[1])};
    make_non_blocking(ends.first);
    ends.second = above_streams(std::move(ends.second));
    return ends;
}

/// A pipe and no socket, because programs open /dev/stdout and /dev/stderr by name, which fails for a socket.
Ends make_pipe() {
    std::array<int, 2> pair{};
    if (::pipe2(pair.data(), O_CLOEXEC) != 0) fail("make a pipe", errno);
    Ends ends{FileDescriptor(pair[0]), FileDescriptor(pair[1])};
    make_non_blocking(ends.first);
    ends.second = above_streams(std::move(ends.second));
    return ends;
}

class SpawnActions {
public:
    SpawnActions() { check(::posix_spawn_file_actions_init(&actions_)); }
    ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    SpawnActions(SpawnActions&&) = delete;
    SpawnActions& operator=(SpawnActions&&) = delete;

    void put(const FileDescriptor& from, int to) {
        check(::posix_spawn_file_actions_adddup2(&actions_, from.get(), to));
    }
    void close_from(int first) { check(::posix_spawn_file_actions_addclosefrom_np(&actions_, first)); }
    void change_directory(const std::filesystem::path& directory) {
        if (!directory.empty()) check(::posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str()));
    }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    static void check(int code) {
        if (code != 0) fail("prepare a start", code);
    }
    posix_spawn_file_actions_t actions_{};
};

/// Gives the child a process group of its own, no blocked signals and default signal actions, independent of those of
/// this process.
class SpawnAttributes {
public:
    SpawnAttributes() {
        if (const int code = ::posix_spawnattr_init(&attributes_); code != 0) fail("prepare a start", code);
        sigset_t all;
        sigset_t none;
        sigfillset(&all);
        sigemptyset(&none);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;
    SpawnAttributes(SpawnAttributes&&) = delete;
    SpawnAttributes& operator=(SpawnAttributes&&) = delete;

    [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &attributes_; }

private:
    posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// The message does not show arguments, because they may hold secrets.
[[noreturn]] void refuse_start(const Launch& launch, int code) {
    std::error_code ignored;
    const bool has_directory = launch.directory.empty() || std::filesystem::is_directory(launch.directory, ignored);
    const bool passes = code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE || code == ETXTBSY;
    const auto what = has_directory ? "cannot start program " + quote(launch.command.front())
                                    : "cannot start a program in directory " + quote(launch.directory.native());
    throw Error(passes ? ErrorKind::unavailable : ErrorKind::misconfigured, what + ": " + errno_text(code));
}

/// Looks up the program in the PATH of its own environment; posix_spawnp would use the PATH of this process.
std::filesystem::path find_program(const Launch& launch) {
    std::filesystem::path name = launch.command.front();
    if (name.native().find('/') != std::string::npos) return name;
    constexpr std::string_view start_of_path = "PATH=";
    std::string_view places = "/bin:/usr/bin";
    for (const std::string_view variable : launch.environment) {
        if (variable.starts_with(start_of_path)) places = variable.substr(start_of_path.size());
    }
    int problem = ENOENT;
    for (std::size_t begin = 0; begin <= places.size();) {
        const auto end = std::min(places.find(':', begin), places.size());
        const auto file = launch.directory / places.substr(begin, end - begin) / name;
        begin = end + 1;
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(file, ignored)) continue;
        if (::access(file.c_str(), X_OK) == 0) return std::filesystem::absolute(file);
        problem = EACCES;
    }
    refuse_start(launch, problem);
}

pid_t start(Launch launch, const FileDescriptor& input, const FileDescriptor& output, const FileDescriptor& errors) {
    SpawnActions actions;
    actions.put(input, STDIN_FILENO);
    actions.put(output, STDOUT_FILENO);
    actions.put(errors, STDERR_FILENO);
    actions.close_from(STDERR_FILENO + 1);
    actions.change_directory(launch.directory);
    const SpawnAttributes attributes;
    const auto program = find_program(launch);
    const auto argv = pointers_to(launch.command);
    const auto environment = pointers_to(launch.environment);
    pid_t pid = -1;
    const int code =
        ::posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(), argv.data(), environment.data());
    if (code != 0) refuse_start(launch, code);
    return pid;
}

int open_exit_notice(pid_t pid) noexcept {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

}  // namespace

ChildProcess::ChildProcess(const Launch& launch) {
    auto [our_input, its_input] = make_socket();
    auto [our_output, its_output] = make_pipe();
    auto [our_errors, its_errors] = make_pipe();
    pid_ = start(launch, its_input, its_output, its_errors);
    input_ = std::move(our_input);
    output_ = std::move(our_output);
    errors_ = std::move(our_errors);
    exit_notice_ = FileDescriptor(open_exit_notice(pid_));
}

ChildProcess::~ChildProcess() {
    bury(std::chrono::seconds(5));
}

/// Reads the program's state. False when it was buried already, and its number may belong to another process.
bool ChildProcess::look(siginfo_t& state) noexcept {
    if (pid_ <= 0) return false;
    // WNOWAIT keeps the ended program as a zombie: so long, no other process or group gets its number.
    const bool is_there = ::waitid(P_PID, static_cast<id_t>(pid_), &state, WEXITED | WNOHANG | WNOWAIT) == 0;
    if (!is_there) pid_ = -1;
    return is_there;
}

std::optional<std::string> ChildProcess::find_end() {
    siginfo_t info{};
    if (!look(info)) return "is gone";
    if (info.si_pid == 0) return std::nullopt;
    if (info.si_code == CLD_EXITED) return "exited with " + std::to_string(info.si_status);
    const char* const name = ::sigdescr_np(info.si_status);
    return "was ended by signal " + std::to_string(info.si_status) +
           (name == nullptr ? "" : " (" + std::string(name) + ")");
}

void ChildProcess::send(int signal) noexcept {
    siginfo_t ignored{};
    if (look(ignored)) ::kill(-pid_, signal);
}

void ChildProcess::bury(milliseconds patience) noexcept {
    send(SIGKILL);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (pid_ > 0) {
        const auto buried = ::waitpid(pid_, nullptr, WNOHANG);
        // After the deadline a program that the kernel does not end stays behind; more waiting would block the
        // deployer.
        if (buried != 0 || std::chrono::steady_clock::now() > deadline) {
            pid_ = -1;
            return;
        }
        pollfd exit{exit_notice_.get(), POLLIN, 0};
        ::poll(&exit, 1, 10);
    }
}

}  // namespace deployer::exec
