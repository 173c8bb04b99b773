// The production path against doubles of GitHub and fleet that take 20 ms for each answer: requests, times, memory.
// bench_production [DIRECTORY of services.yaml and service files]

#include "config/config.hpp"
#include "cycle/session.hpp"
#include "host/plugin_host.hpp"
#include "support/fleet_double.hpp"
#include "support/github_double.hpp"
#include "support/recording_log.hpp"
#include "support/temp_dir.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stop_token>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

constexpr auto latency = 20ms;

GithubTree tree_of(const std::filesystem::path& directory) {
    GithubTree tree;
    for (const auto& file : std::filesystem::directory_iterator(directory)) {
        std::ifstream in(file.path(), std::ios::binary);
        tree[file.path().filename().string()] = {std::string(std::istreambuf_iterator<char>(in), {})};
    }
    return tree;
}

/// A hundred services with a hundred nodes each.
GithubTree large_tree() {
    GithubTree tree;
    std::string services = "services:\n";
    for (int i = 0; i < 100; ++i) {
        const auto name = "service-" + std::to_string(i) + "@.service";
        services += "- name: " + name + "\n  count: 100\n";
        tree[name] = {"[Unit]\nDescription=" + name + "\n\n[Service]\nExecStart=/bin/sleep " + std::to_string(i) +
                      "\n"};
    }
    tree["services.yaml"] = {services};
    return tree;
}

/// The cost of a run of the program.
struct Cost {
    double seconds = 0;
    long peak_kib = 0;
};

Cost run_program(const std::string& command, const std::string& config) {
    const auto begin = std::chrono::steady_clock::now();
    std::fflush(stdout);
    const auto child = ::fork();
    if (child == 0) {
        if (std::freopen("/dev/null", "w", stdout) == nullptr || std::freopen("/dev/null", "w", stderr) == nullptr)
            _exit(1);
        ::execl(DEPLOYER_PROGRAM, DEPLOYER_PROGRAM, command.c_str(), "--config", config.c_str(), nullptr);
        _exit(127);
    }
    int status = 0;
    rusage usage{};
    ::wait4(child, &status, 0, &usage);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) std::printf("  (it ended with status %d)\n", status);
    return {time.count(), usage.ru_maxrss};
}

class World {
public:
    explicit World(GithubTree tree) : tree_(std::move(tree)) { github.commit(tree_); }

    [[nodiscard]] std::string config(bool raw) const {
        const auto source = raw ? "root_uri: '" + github.root_uri() + "'"
                                : "repository: octo/config, api_url: '" + github.api_url() + "'";
        return dir_
            .write("config.yaml", "source: {plugin: source-github, allow_http: true, " + source +
                                      "}\ntarget: {plugin: target-fleet, endpoint: '" + fleet.endpoint() +
                                      "'}\ncache: {plugin: cache-file, path: cache}\n"
                                      "reconcile: {destroy: true, rollout: {poll: 50ms}}\n")
            .string();
    }

    void bump(const std::string& file) {
        tree_[file].content += "\n# another version\n[Service]\nEnvironment=BUMPED=1\n";
        github.commit(tree_);
    }
    void forget() {
        github.forget_requests();
        fleet.forget_requests();
    }
    void tell(const std::string& what, double seconds) const {
        std::printf("%-52s %7.2f s  %4zu requests to GitHub, %5zu to fleet (%zu writes)\n", what.c_str(), seconds,
                    github.count(""), fleet.requests().size(), fleet.writes().size());
    }

    GithubDouble github{{.latency = latency}};
    FleetDouble fleet{{.speed = 2000, .latency = latency}};

private:
    GithubTree tree_;
    TempDir dir_;
};

/// Runs cycles within this process, as `run` does.
class Cycles {
public:
    explicit Cycles(const std::string& config)
        : session_(read_config_file(config), host_, log_, {}, OnStart::rebuild) {}

    double cycle() {
        const auto begin = std::chrono::steady_clock::now();
        const auto report = session_.reconciler().run_cycle({{}, log_, 2min});
        if (report.error) std::printf("  (%s)\n", report.error->what());
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }

private:
    RecordingLog log_;
    PluginHost host_{{DEPLOYER_PLUGINS}};
    Session session_;
};

void measure_real(const std::filesystem::path& directory) {
    if (!std::filesystem::exists(directory / "services.yaml")) {
        std::printf("skipped: there is no services.yaml in %s\n", directory.c_str());
        return;
    }
    World world(tree_of(directory));
    const auto config = world.config(false);
    const auto first = run_program("once", config);
    world.tell("first deploy, " + std::to_string(world.fleet.units().size()) + " units", first.seconds);
    std::printf("%-52s %7.1f MiB\n", "  its peak of memory", static_cast<double>(first.peak_kib) / 1024);
    Cycles cycles(config);
    (void)cycles.cycle();
    world.forget();
    world.tell("idle cycle, repository mode", cycles.cycle());
    world.bump("annotations-mapper@.service");
    world.forget();
    world.tell("new content of a service of two nodes", cycles.cycle());

    World raw(tree_of(directory));
    Cycles raw_cycles(raw.config(true));
    (void)raw_cycles.cycle();
    (void)raw_cycles.cycle();
    raw.forget();
    const auto seconds = raw_cycles.cycle();
    raw.tell("idle cycle, root_uri mode", seconds);
}

void measure_large() {
    World world(large_tree());
    const auto cost = run_program("once", world.config(false));
    world.tell("first deploy, " + std::to_string(world.fleet.units().size()) + " units", cost.seconds);
    std::printf("%-52s %7.1f MiB\n", "  its peak of memory", static_cast<double>(cost.peak_kib) / 1024);
}

}  // namespace

int main(int argc, char* argv[]) {
    measure_real(argc > 1 ? argv[1] : DEPLOYER_SHARED_DATA);
    measure_large();
}
