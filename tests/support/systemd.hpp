#pragma once

#include "support/installation.hpp"
#include "support/program.hpp"
#include "support/temp_dir.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace deployer {

/// A real systemd, as pid 1 of namespaces of its own, which the destructor ends and which leaves the machine untouched.
/// It has the machine's targets, but only those other units that a test adds. Needs root, and a machine with systemd
/// and a cgroup hierarchy of version 2.
class Systemd {
public:
    /// The reason why this machine cannot run such a systemd; nullopt when it can.
    [[nodiscard]] static std::optional<std::string> missing() {
        if (::geteuid() != 0) return "only root can have a systemd of its own";
        for (const auto* file :
             {"/usr/lib/systemd/systemd", "/usr/bin/systemctl", "/usr/bin/unshare", "/usr/bin/nsenter"}) {
            if (!std::filesystem::exists(file)) return std::string("there is no ") + file;
        }
        if (::access(hierarchy().c_str(), W_OK) != 0) return "no cgroup can be made below " + hierarchy().string();
        return std::nullopt;
    }

    Systemd() : cgroup_(hierarchy() / ("deployer-test-" + std::to_string(::getpid()))) {
        namespace fs = std::filesystem;
        for (const auto* name : {"run", "units", "base"}) fs::create_directory(dir_.path(name));
        for (const auto& entry : fs::directory_iterator("/usr/lib/systemd/system")) {
            if (entry.path().extension() != ".target") continue;
            fs::copy(entry.path(), dir_.path("base") / entry.path().filename(), fs::copy_options::copy_symlinks);
        }
        manager_ = std::make_unique<Program>(
            std::vector<std::string>{"-ec", std::string(script), "systemd", dir_.path().string(), cgroup_.string()},
            "/bin/sh");
        // `degraded` counts as up, because some of its units miss parts of a real machine.
        const auto is_up = [&] {
            if (first_process().empty()) return false;
            const auto state = said_by("is-system-running 2>&1 || true");
            return state.starts_with("running") || state.starts_with("degraded");
        };
        if (!eventually([&] { return manager_->ended() || is_up(); }) || manager_->ended()) {
            throw std::runtime_error("systemd does not start: " + manager_->err() + manager_->out());
        }
    }
    ~Systemd() {
        std::ofstream(cgroup_ / "cgroup.kill") << "1\n";
        try {
            manager_->wait();
        } catch (const std::exception&) {
            manager_->send(SIGKILL);
        }
        for (int look = 0; look < 200 && std::filesystem::exists(cgroup_); ++look) {
            remove_groups(cgroup_);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    Systemd(const Systemd&) = delete;
    Systemd& operator=(const Systemd&) = delete;
    Systemd(Systemd&&) = delete;
    Systemd& operator=(Systemd&&) = delete;

    /// Writes a unit file, or below NAME.d/ a drop-in.
    void put(const std::string& name, std::string_view text) { dir_.write("units/" + name, text); }

    /// Runs systemctl; the test fails when the command fails.
    std::string systemctl(const std::string& arguments) { return run_in_shell(command(arguments)); }
    /// A property of a unit, such as "ActiveState".
    std::string property(const std::string& unit, const std::string& name) {
        auto value = systemctl("show --value -p " + name + ' ' + unit);
        if (value.ends_with('\n')) value.pop_back();
        return value;
    }
    /// Sends a signal to a process, by its number within the namespace.
    void kill(const std::string& process, const std::string& signal) {
        run_in_shell(inside() + "kill -s " + signal + ' ' + process);
    }

private:
    static std::filesystem::path hierarchy() {
        const std::filesystem::path root = "/sys/fs/cgroup";
        return std::filesystem::exists(root / "unified") ? root / "unified" : root;
    }

    static void remove_groups(const std::filesystem::path& group) {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator(group, ignored)) {
            if (entry.is_directory(ignored)) remove_groups(entry.path());
        }
        ::rmdir(group.c_str());
    }

    static constexpr std::string_view script = R"(
        mkdir "$2"
        echo $$ >"$2/cgroup.procs"
        exec unshare --mount --cgroup --pid --uts --ipc --fork --kill-child=KILL --mount-proc --propagation private \
            sh -ec '
                mount -t tmpfs tmpfs /sys/fs/cgroup
                mount -t cgroup2 cgroup2 /sys/fs/cgroup
                mount --bind "$1/run" /run
                exec env -i PATH="$PATH" container=test SYSTEMD_UNIT_PATH="$1/units:$1/base" \
                    /usr/lib/systemd/systemd --system --unit=basic.target --log-target=console
            ' systemd "$1"
    )";

    /// The machine's number of the namespace's pid 1; empty while there is none.
    [[nodiscard]] std::string first_process() const {
        const auto pid = std::to_string(manager_->pid());
        std::ifstream in("/proc/" + pid + "/task/" + pid + "/children");
        std::string child;
        in >> child;
        return child;
    }
    [[nodiscard]] std::string inside() const { return "nsenter -t " + first_process() + " -p -m "; }
    [[nodiscard]] std::string command(const std::string& arguments) const {
        return inside() + "systemctl " + arguments;
    }
    [[nodiscard]] std::string said_by(const std::string& arguments) const {
        FILE* const pipe = ::popen(command(arguments).c_str(), "r");
        std::string output;
        if (pipe == nullptr) return output;
        std::array<char, 256> chunk{};
        while (const auto count = std::fread(chunk.data(), 1, chunk.size(), pipe)) output.append(chunk.data(), count);
        ::pclose(pipe);
        return output;
    }

    TempDir dir_;
    std::filesystem::path cgroup_;
    std::unique_ptr<Program> manager_;
};

}  // namespace deployer
