#include "support/catch.hpp"
#include "support/local_cluster.hpp"
#include "support/notify_socket.hpp"
#include "support/systemd.hpp"

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

void declare_one(LocalCluster& cluster) {
    cluster.put_unit("a.service", "v1");
    cluster.declare("services:\n- name: a.service\n");
}

/// The command line of `run` as a service manager starts it.
std::vector<std::string> run_under(const NotifySocket& socket, const LocalCluster& cluster,
                                   const std::string& patience = "") {
    std::vector<std::string> words{"NOTIFY_SOCKET=" + socket.address()};
    if (!patience.empty()) words.push_back("WATCHDOG_USEC=" + patience);
    for (const auto& word : {std::string(DEPLOYER_TEST_PROGRAM), std::string("run"), std::string("--config")}) {
        words.push_back(word);
    }
    words.push_back(cluster.config());
    return words;
}

/// Whether the process blocks SIGHUP and takes it by a wait (proc(5)).
bool holds_hangup(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("SigBlk:")) return (std::stoull(line.substr(7), nullptr, 16) & 1U) != 0;
    }
    return false;
}

}  // namespace

TEST_CASE("a service manager is told when run takes signals, how each cycle ended, of a reload and of the end") {
    const TempDir dir;
    NotifySocket socket(dir.path("notify").string());
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    Program program(run_under(socket, cluster), "/usr/bin/env");
    REQUIRE(socket.hears("STATUS=applied: 1 created, revision sha256:"));
    CHECK(socket.messages().at(0) == "READY=1");
    CHECK(socket.count("WATCHDOG=1") == 0);

    program.send(SIGHUP);
    REQUIRE(socket.hears("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(socket.hears("READY=1", 2));
    CHECK(socket.hears("STATUS=in_sync: nothing to change, revision sha256:"));

    SECTION("also of a reload that is refused") {
        cluster.configure("  dealy: 1s\n", "  interval: 1h\n");
        program.send(SIGHUP);
        CHECK(socket.hears("RELOADING=1", 2));
        CHECK(socket.hears("READY=1", 3));
    }
    SECTION("also of a cycle that failed") {
        cluster.declare("no: services\n");
        CHECK(socket.hears("STATUS=failed: "));
    }
    program.send(SIGTERM);
    CHECK(program.wait() == 0);
    CHECK(socket.count("STOPPING=1") == 1);
}

TEST_CASE("a configuration that is not usable is never called ready") {
    const TempDir dir;
    NotifySocket socket(dir.path("notify").string());
    const LocalCluster cluster("  dealy: 1s\n");
    Program program(run_under(socket, cluster), "/usr/bin/env");
    CHECK(program.wait() == 1);
    CHECK(socket.messages().empty());
}

TEST_CASE("a watchdog goes on hearing of a deployer that waits: for a node, for a change, after a failure", "[R8]") {
    const TempDir dir;
    NotifySocket socket(dir.path("notify").string());
    LocalCluster cluster("  never_ready: [\"*\"]\n", "  interval: 1h\n  rollout: {timeout: 1h, poll: 1h}\n");
    cluster.put_unit("w@.service", "v1");
    cluster.declare("services:\n- name: w@.service\n  count: 2\n  sequentialDeployment: true\n");
    const auto waiting = GENERATE("for a node", "for a change", "after a failure");
    INFO(waiting);
    if (std::string_view(waiting) == "for a node") {
        REQUIRE(cluster.once().status == 0);
        cluster.put_unit("w@.service", "v2");
    } else if (std::string_view(waiting) == "after a failure") {
        cluster.configure("  unavailable_every: 1\n", "  interval: 1h\n");
    }
    Program program(run_under(socket, cluster, "20000"), "/usr/bin/env");
    REQUIRE(socket.hears("WATCHDOG=1", 20));
    CHECK_FALSE(program.ended());
    program.send(SIGTERM);
    CHECK(program.wait() == 0);
}

TEST_CASE("SIGHUP does not end run, however early it comes") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    for (int delay = 0; delay < 20; ++delay) {
        Program program({"run", "--config", cluster.config()});
        // A signal before that would meet the loader, not the program.
        REQUIRE(eventually([&] { return holds_hangup(program.pid()) || program.ended(); }));
        std::this_thread::sleep_for(delay * 500us);
        program.send(SIGHUP);
        CHECK(eventually([&] { return program.err().find("started with") != std::string::npos || program.ended(); }));
        REQUIRE_FALSE(program.ended());
        program.send(SIGTERM);
        CHECK(program.wait() == 0);
    }
}

TEST_CASE("under a real systemd the unit starts, reloads, is watched and stops as it says", "[R8]") {
    if (const auto missing = Systemd::missing()) {
        WARN("skipped: " + *missing);
        return;
    }
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    Systemd systemd;
    std::ifstream unit(DEPLOYER_SOURCE_DIR "/etc/deployer.service");
    systemd.put("deployer.service",
                std::string(std::istreambuf_iterator<char>(unit), std::istreambuf_iterator<char>()));
    // Replaces settings that a test cannot use: the installed program, the user, the machine's directories, long times.
    // LeakSanitizer is off, because it traces its own process, which the unit's SystemCallFilter= forbids.
    systemd.put("deployer.service.d/test.conf",
                "[Service]\nExecStart=\nExecStart=" DEPLOYER_TEST_PROGRAM " run --config " + cluster.config() +
                    "\nUser=\nStateDirectory=\nPrivateTmp=no\nProtectHome=no\n"
                    "ReadWritePaths=" +
                    cluster.dir().path().string() +
                    "\nRestartSec=0\nWatchdogSec=1\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n");
    systemd.systemctl("daemon-reload");
    systemd.systemctl("start deployer.service");
    CHECK(systemd.property("deployer.service", "ActiveState") == "active");
    CHECK(eventually([&] {
        return systemd.property("deployer.service", "StatusText").starts_with("applied: 1 created, revision sha256:");
    }));
    const auto process = systemd.property("deployer.service", "MainPID");

    systemd.systemctl("reload deployer.service");
    CHECK(eventually([&] {
        return systemd.property("deployer.service", "ActiveState") == "active" &&
               systemd.property("deployer.service", "StatusText").starts_with("in_sync");
    }));
    // Longer than WatchdogSec; the deployer only waits in this time.
    std::this_thread::sleep_for(2s);
    CHECK(systemd.property("deployer.service", "MainPID") == process);

    systemd.kill(process, "STOP");
    CHECK(eventually([&] {
        const auto now = systemd.property("deployer.service", "MainPID");
        return now != process && now != "0" && systemd.property("deployer.service", "ActiveState") == "active";
    }));
    CHECK(systemd.property("deployer.service", "NRestarts") == "1");
    systemd.systemctl("stop deployer.service");
    CHECK(systemd.property("deployer.service", "Result") == "success");
    CHECK(systemd.property("deployer.service", "ExecMainStatus") == "0");
}
