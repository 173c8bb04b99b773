#include "support/catch.hpp"
#include "support/local_cluster.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace deployer;

namespace {

namespace fs = std::filesystem;

/// Facts about a process from /proc.
struct Process {
    pid_t parent = 0;
    char state = '?';
};

std::optional<Process> process_of(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    if (!std::getline(in, text)) return std::nullopt;
    std::istringstream rest(text.substr(text.rfind(')') + 1));
    Process process;
    rest >> process.state >> process.parent;
    return process;
}

std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> children;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        const auto process = process_of(std::stoi(name));
        if (process && process->parent == parent) children.push_back(std::stoi(name));
    }
    return children;
}

/// Runs the program as pid 1 of a namespace of its own, as in a container.
class Container {
public:
    [[nodiscard]] static std::optional<std::string> missing() {
        if (::geteuid() != 0) return "only root can have a process namespace of its own";
        if (!fs::exists("/usr/bin/unshare")) return "there is no /usr/bin/unshare";
        return std::nullopt;
    }

    explicit Container(const LocalCluster& cluster, const std::string& command = "run")
        : unshare_({"--pid", "--fork", "--kill-child=KILL", "--mount-proc", DEPLOYER_TEST_PROGRAM, command, "--config",
                    cluster.config()},
                   "/usr/bin/unshare") {
        REQUIRE(eventually([&] { return unshare_.ended() || !children_of(unshare_.pid()).empty(); }));
    }

    [[nodiscard]] Program& program() { return unshare_; }
    /// The machine's number of the namespace's pid 1.
    [[nodiscard]] pid_t first() const {
        const auto children = children_of(unshare_.pid());
        return children.empty() ? -1 : children.front();
    }

private:
    Program unshare_;
};

bool skips() {
    const auto missing = Container::missing();
    if (missing) WARN("skipped: " + *missing);
    return missing.has_value();
}

/// Configures a target whose program leaves a process behind at each call. The process ends later; it has a session of
/// its own, so that the end of the program does not end it.
void use_leaving_target(LocalCluster& cluster, const std::string& at_the_end = "") {
    cluster.dir().write("leaving.sh",
                        "#!/bin/sh\n"
                        "read -r hello\n"
                        "echo '{\"hello\":\"leaving\",\"protocol\":1}'\n"
                        "while read -r call; do\n"
                        "  setsid sh -c 'sleep 0.01 & exec sleep 0.02' >/dev/null 2>&1 &\n"
                        "  echo left >>left\n"
                        "  id=${call#*\\\"id\\\":}; id=${id%%,*}\n" +
                            at_the_end +
                            "  echo '{\"id\":'$id',\"result\":{\"units\":[]}}'\n"
                            "done\n");
    fs::permissions(cluster.dir().path("leaving.sh"), fs::perms::owner_all);
    cluster.use_target("  plugin: target-exec\n  command: [./leaving.sh]\n");
}

}  // namespace

TEST_CASE("as the first process of a container it buries what helpers of a target leave behind") {
    if (skips()) return;
    LocalCluster cluster("", "  interval: 10ms\n  drift: report\n  resync_interval: 10ms\n");
    use_leaving_target(cluster);
    cluster.declare("services:\n- name: a@.service\n  count: 0\n");
    cluster.put_unit("a@.service", "v1");
    Container container(cluster);
    const auto left = [&] {
        const auto lines = cluster.dir().exists("left") ? cluster.dir().read("left") : std::string();
        return std::count(lines.begin(), lines.end(), '\n');
    };
    INFO(container.program().err());
    REQUIRE(eventually([&] { return left() >= 10 || container.program().ended(); }));
    REQUIRE_FALSE(container.program().ended());
    const auto first = container.first();
    // A zombie that is found twice is not being buried.
    const auto zombies = [&] {
        std::set<pid_t> found;
        for (const auto child : children_of(first)) {
            if (const auto process = process_of(child); process && process->state == 'Z') found.insert(child);
        }
        return found;
    };
    for (const auto zombie : zombies()) CHECK(eventually([&] { return !zombies().contains(zombie); }));
    ::kill(first, SIGTERM);
    CHECK(container.program().wait() == 0);
}

TEST_CASE("as the first process of a container it still learns how its own programs ended") {
    if (skips()) return;
    LocalCluster cluster;
    use_leaving_target(cluster, "  exit 3\n");
    cluster.declare("services:\n- name: a.service\n");
    cluster.put_unit("a.service", "v1");
    Container container(cluster, "once");
    CHECK(container.program().wait() == 1);
    CHECK(container.program().err().find("exited with 3") != std::string::npos);
}

TEST_CASE("as the first process of a container it passes signals on and ends as the deployer does") {
    if (skips()) return;
    LocalCluster cluster("", "  interval: 1h\n");
    cluster.declare("services:\n- name: a.service\n");
    cluster.put_unit("a.service", "v1");
    Container container(cluster);
    const auto says = [&](const std::string& text) {
        return eventually([&] { return container.program().err().find(text) != std::string::npos; });
    };
    REQUIRE(says("1 created"));
    const auto first = container.first();
    ::kill(first, SIGHUP);
    REQUIRE(says("read the configuration"));
    SECTION("with status 0 when it was told to") {
        ::kill(first, SIGTERM);
        CHECK(container.program().wait() == 0);
    }
    SECTION("with 128 and the signal that ended it") {
        for (const auto worker : children_of(first)) ::kill(worker, SIGKILL);
        CHECK(container.program().wait() == 128 + SIGKILL);
    }
}
