// Prints the figures of docs/BENCHMARKS.md: bench_deployer [DIRECTORY of services.yaml and service files]

#include "plan/planner.hpp"
#include "wanted/wanted.hpp"

#include <deployer/unit_name.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int runs = 15;

/// The median of several runs, after a warm-up run that does not count.
template <class Function>
void measure(const std::string& what, Function&& function) {
    std::vector<double> times;
    for (int i = 0; i <= runs; ++i) {
        const auto begin = Clock::now();
        function();
        const std::chrono::duration<double, std::milli> time = Clock::now() - begin;
        if (i > 0) times.push_back(time.count());
    }
    std::sort(times.begin(), times.end());
    std::printf("%-62s median %8.2f ms  (%.2f to %.2f)\n", what.c_str(), times[times.size() / 2], times.front(),
                times.back());
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void plan_many() {
    constexpr int groups = 3'000;
    constexpr int units = 10'000;
    WantedState wanted{{"r"}, {}, {}, {}, {}};
    ActualState actual;
    for (int i = 0; i < units; ++i) {
        const auto service = "service-" + std::to_string(i % groups);
        const auto name = service + '@' + std::to_string(i / groups + 1) + ".service";
        const std::vector<UnitOption> options{{"Service", "ExecStart", "/bin/" + service}};
        wanted.units.push_back({name, make_content(options), DesiredState::launched});
        actual.units.push_back({name, make_content(options), DesiredState::launched});
    }
    const auto by_name = [](const auto& a, const auto& b) { return numeric_less(a.name, b.name); };
    std::sort(wanted.units.begin(), wanted.units.end(), by_name);
    std::sort(actual.units.begin(), actual.units.end(), by_name);
    measure("plan 10,000 units in 3,000 groups, all equal", [&] {
        if (!make_plan(wanted, actual, {}).changes.empty()) std::abort();
    });
}

void read_and_expand(const std::filesystem::path& directory) {
    std::size_t units = 0;
    measure("read and expand " + directory.filename().string(), [&] {
        const auto manifest = read_manifest(read_file(directory / "services.yaml"));
        std::vector<File> files;
        for (const auto& request : file_requests(manifest)) {
            files.push_back({read_file(directory / request.location), std::nullopt});
        }
        units = expand(manifest, files, {"r"}).units.size();
    });
    std::printf("  %zu units\n", units);
}

/// The line of a /proc file that begins with `start`; empty when there is none.
std::string proc_line(pid_t pid, const std::string& file, const std::string& start) {
    std::ifstream in("/proc/" + std::to_string(pid) + '/' + file);
    for (std::string line; std::getline(in, line);) {
        if (line.rfind(start, 0) == 0) return line;
    }
    return {};
}

/// Processor time so far, in clock ticks (proc(5), stat, fields 14 and 15).
long ticks(pid_t pid) {
    const auto line = proc_line(pid, "stat", std::to_string(pid));
    long user = 0;
    long system = 0;
    std::sscanf(line.substr(line.rfind(')') + 2).c_str(), "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user,
                &system);
    return user + system;
}

/// Measures `run` with an unchanging directory: memory, and processor time over some cycles of a second.
void idle(const std::filesystem::path& directory) {
    auto place = (std::filesystem::temp_directory_path() / "deployer-bench-XXXXXX").string();
    if (mkdtemp(place.data()) == nullptr) return;
    std::ofstream(place + "/config.yaml") << "source: {plugin: source-file, path: " << directory.string()
                                          << "}\ntarget: {plugin: target-mock, state_file: cluster.json}\n"
                                             "cache: {plugin: cache-file, path: cache}\nreconcile: {interval: 1s}\n"
                                             "log: {level: error}\n";
    const auto config = place + "/config.yaml";
    const auto pid = fork();
    if (pid == 0) {
        execl(DEPLOYER_PROGRAM, DEPLOYER_PROGRAM, "run", "--config", config.c_str(), nullptr);
        _exit(127);
    }
    constexpr int seconds = 10;
    std::this_thread::sleep_for(std::chrono::seconds(4));
    const auto before = ticks(pid);
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    std::printf(
        "run, idle: %s, %.1f ms of processor time a cycle\n", proc_line(pid, "status", "VmRSS").c_str(),
        static_cast<double>(ticks(pid) - before) * 1000.0 / static_cast<double>(sysconf(_SC_CLK_TCK)) / seconds);
    kill(pid, SIGTERM);
    waitpid(pid, nullptr, 0);
    std::filesystem::remove_all(place);
}

}  // namespace

int main(int argc, char* argv[]) {
    const std::filesystem::path directory = argc > 1 ? argv[1] : DEPLOYER_SHARED_DATA;
    plan_many();
    if (!std::filesystem::exists(directory / "services.yaml")) {
        std::printf("skipped: %s has no services.yaml; name another directory\n", directory.c_str());
        return 0;
    }
    const auto whole = std::filesystem::canonical(directory);
    read_and_expand(whole);
    idle(whole);
}
