#include "support/catch.hpp"
#include "support/local_cluster.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

void declare_one(LocalCluster& cluster, const std::string& command = "v1") {
    cluster.put_unit("a.service", command);
    cluster.declare("services:\n- name: a.service\n");
}

bool says(const Program& program, const std::string& text) {
    return eventually([&] { return program.err().find(text) != std::string::npos; });
}

/// The pause before the next attempt according to the log: "trying again in 1234ms".
std::chrono::milliseconds pause_said_in(const std::string& log) {
    const std::string before = "trying again in ";
    const auto at = log.find(before);
    if (at == std::string::npos) return {};
    std::size_t digits = 0;
    const auto text = log.substr(at + before.size());
    const auto number = std::stol(text, &digits);
    const auto unit = text.substr(digits, text.find_first_of(",\n") - digits);
    return unit == "ms" ? number * 1ms : unit == "s" ? number * 1000ms : number * 60'000ms;
}

/// The exit status after SIGTERM. The promise is 2 s; the rest allows for a busy machine.
int terminate(Program& program) {
    const auto begin = std::chrono::steady_clock::now();
    program.send(SIGTERM);
    const auto status = program.wait(20s);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    return status;
}

/// The command line of a shell that starts the program with redirections.
std::vector<std::string> redirected(const std::string& command, const std::string& config,
                                    const std::string& redirections) {
    return {"-c", "exec \"$0\" " + command + " --config \"$1\" " + redirections, DEPLOYER_TEST_PROGRAM, config};
}

/// A named pipe that nobody reads.
class UnreadPipe {
public:
    explicit UnreadPipe(const std::filesystem::path& file) : file_(file.string()) {
        if (::mkfifo(file_.c_str(), 0600) != 0) throw std::runtime_error("cannot make a pipe");
        descriptor_ = ::open(file_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (descriptor_ < 0) throw std::runtime_error("cannot open a pipe");
    }
    ~UnreadPipe() { ::close(descriptor_); }
    UnreadPipe(const UnreadPipe&) = delete;
    UnreadPipe& operator=(const UnreadPipe&) = delete;
    UnreadPipe(UnreadPipe&&) = delete;
    UnreadPipe& operator=(UnreadPipe&&) = delete;

    [[nodiscard]] const std::string& file() const { return file_; }

    /// Fills the pipe until not a single byte more fits.
    void fill() const {
        const std::array<char, 4096> page{};
        for (const auto size : {page.size(), std::size_t{1}}) {
            while (::write(descriptor_, page.data(), size) > 0) {
            }
        }
    }

private:
    std::string file_;
    int descriptor_ = -1;
};

}  // namespace

TEST_CASE("run deploys, follows an edit at once, and ends with status 0 at SIGTERM") {
    LocalCluster cluster("", "  interval: 1h\n  destroy: true\n");
    declare_one(cluster);
    Program program({"run", "--config", cluster.config()});
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));
    const auto before = cluster.units().at("a.service");
    cluster.put_unit("a.service", "v2");
    CHECK(eventually([&] { return cluster.units().at("a.service") != before; }));
    cluster.put_unit("b.service", "v1");
    cluster.declare("services:\n- name: a.service\n- name: b.service\n");
    CHECK(eventually([&] { return cluster.units().count("b.service") == 1; }));
    CHECK(terminate(program) == 0);
    CHECK(says(program, "stopped, as asked"));
}

TEST_CASE("run looks at the cluster itself when it starts, once believes what is cached of it", "[R32]") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    REQUIRE(result_of(cluster.once()) == "applied");
    REQUIRE(result_of(cluster.once()) == "in_sync");
    cluster.dir().write("cluster.json", R"({"units":[]})");
    CHECK(result_of(cluster.once()) == "in_sync");
    CHECK(cluster.units().empty());
    Program program({"run", "--config", cluster.config()});
    CHECK(eventually([&] { return cluster.units().count("a.service") == 1; }));
}

TEST_CASE("SIGTERM ends run in the middle of a wait, and what it did stays whole", "[R8]") {
    LocalCluster cluster("  never_ready: [\"*\"]\n", "  rollout: {timeout: 1h, poll: 1h}\n");
    cluster.put_unit("w@.service", "v1");
    cluster.declare("services:\n- name: w@.service\n  count: 2\n  sequentialDeployment: true\n");
    REQUIRE(cluster.once().status == 0);
    const auto before = cluster.units();
    cluster.put_unit("w@.service", "v2");
    Program program({"run", "--config", cluster.config()});
    REQUIRE(says(program, "waiting until w@1.service is ready"));
    CHECK(terminate(program) == 0);
    CHECK(cluster.units().at("w@1.service") != before.at("w@1.service"));
    CHECK(cluster.units().at("w@2.service") == before.at("w@2.service"));
}

TEST_CASE("SIGHUP takes over an edited configuration and refuses an unusable one") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    Program program({"run", "--config", cluster.config()});
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));

    cluster.configure("", "  interval: soon\n");
    program.send(SIGHUP);
    CHECK(says(program, "the new configuration is refused, the former one stays in use"));
    CHECK(says(program, "reconcile.interval"));
    CHECK_FALSE(program.ended());

    cluster.configure("", "  interval: 1h\n  destroy: true\n");
    program.send(SIGHUP);
    CHECK(says(program, "read the configuration"));
    cluster.put_unit("b.service", "v1");
    cluster.declare("services:\n- name: b.service\n");
    CHECK(eventually([&] { return cluster.names() == std::vector<std::string>{"b.service"}; }));
    CHECK(terminate(program) == 0);
}

TEST_CASE("SIGTERM ends run although nobody reads what it says", "[R8]") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    const UnreadPipe pipe(cluster.dir().path("pipe"));
    Program program(redirected("run", cluster.config(), "2>'" + pipe.file() + "'"), "/bin/sh");
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));
    pipe.fill();
    // Status 1, because the program could not write its last message, that it stopped as asked.
    CHECK(terminate(program) == 1);
}

TEST_CASE("a plugin that hangs ends the process although nobody reads what it says", "[R8]") {
    LocalCluster cluster;
    declare_one(cluster);
    cluster.dir().write("config.yaml",
                        "source: {plugin: source-file, path: source, settle: 20ms}\n"
                        "target: {plugin: target-recording, hang_on: apply}\ncache: {plugin: cache-file, path: cache}\n"
                        "plugins: {path: [" DEPLOYER_TEST_FIXTURES
                        "]}\nreconcile: {call_timeout: 200ms, call_grace: 100ms}\nlog: {level: error}\n");
    const UnreadPipe pipe(cluster.dir().path("pipe"));
    pipe.fill();
    Program program(redirected("run", cluster.config(), "2>'" + pipe.file() + "'"), "/bin/sh");
    CHECK(program.wait(20s) == 1);
}

TEST_CASE("SIGUSR2 from outside means nothing") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    Program program({"run", "--config", cluster.config()});
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));
    program.send(SIGUSR2);
    CHECK(terminate(program) == 0);
    CHECK(says(program, "stopped, as asked"));
}

TEST_CASE("SIGHUP in the pause before an end takes over the configuration and goes on", "[R32]") {
    LocalCluster cluster("  unavailable_every: 1\n", "  on_failure: exit\n  exit_pause: 1h\n");
    declare_one(cluster);
    Program program({"run", "--config", cluster.config()});
    REQUIRE(says(program, "ends in 1h with status 1"));
    cluster.configure("", "  interval: 1h\n");
    program.send(SIGHUP);
    CHECK(eventually([&] { return cluster.units().count("a.service") == 1; }));
    CHECK(terminate(program) == 0);
}

TEST_CASE("SIGHUP where the working directory is gone does not end run") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    const auto& dir = cluster.dir();
    dir.write("work/config.yaml",
              "source: {plugin: source-file, path: ../source, settle: 20ms}\n"
              "target: {plugin: target-mock, state_file: ../cluster.json}\n"
              "cache: {plugin: cache-file, path: ../cache}\n");
    Program program(
        {"-c", R"(cd "$1" && exec "$0" run --config config.yaml)", DEPLOYER_TEST_PROGRAM, dir.path("work").string()},
        "/bin/sh");
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));
    dir.remove("work");
    program.send(SIGHUP);
    CHECK(says(program, "the new configuration is refused, the former one stays in use"));
    cluster.put_unit("b.service", "v1");
    cluster.declare("services:\n- name: a.service\n- name: b.service\n");
    CHECK(eventually([&] { return cluster.units().count("b.service") == 1; }));
}

TEST_CASE("run without standard streams writes none of its log into its files") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    Program program(redirected("run", cluster.config(), "<&- >&- 2>&-"), "/bin/sh");
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));
    for (const std::string descriptor : {"0", "1", "2"}) {
        const auto open = "/proc/" + std::to_string(program.pid()) + "/fd/" + descriptor;
        CHECK(std::filesystem::read_symlink(open) == "/dev/null");
    }
    CHECK(terminate(program) == 0);
}

TEST_CASE("run does not ask again before the pause that was asked for is over", "[R32]") {
    LocalCluster cluster;
    declare_one(cluster);
    cluster.dir().write("config.yaml",
                        "source: {plugin: source-file, path: source, settle: 20ms}\n"
                        "target: {plugin: target-recording, throw_on: list, retry_after: 7m}\n"
                        "cache: {plugin: cache-file, path: cache}\nplugins: {path: [" DEPLOYER_TEST_FIXTURES "]}\n");
    Program program({"run", "--config", cluster.config()});
    CHECK(says(program, "trying again in 7m"));
}

TEST_CASE("a service that is broken is held and named, and goes through once it is mended", "[R17]") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    Program program({"run", "--config", cluster.config()});
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));
    cluster.put("a.service", "no unit file\n");
    CHECK(says(program, "a is held and stays as it is"));
    CHECK(cluster.units().count("a.service") == 1);
    const auto before = cluster.units().at("a.service");
    cluster.put_unit("a.service", "v2");
    CHECK(eventually([&] { return cluster.units().at("a.service") != before; }));
}

TEST_CASE("a directory that goes away and comes back is waited for", "[R32]") {
    LocalCluster cluster("", "  interval: 1h\n  destroy: true\n");
    declare_one(cluster);
    Program program({"run", "--config", cluster.config()});
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));
    const auto source = cluster.dir().path() / "source";
    std::filesystem::rename(source, cluster.dir().path() / "away");
    CHECK(says(program, "trying again in"));
    CHECK(cluster.units().count("a.service") == 1);
    std::filesystem::rename(cluster.dir().path() / "away", source);
    cluster.put_unit("a.service", "v2");
    const auto before = cluster.units().at("a.service");
    CHECK(eventually([&] { return cluster.units().at("a.service") != before; }, 200s));
}

TEST_CASE("with on_failure: exit, trouble ends run with status 1 after a pause", "[R32]") {
    LocalCluster cluster("  unavailable_every: 1\n", "  on_failure: exit\n  exit_pause: 10ms\n");
    declare_one(cluster);
    const auto ended = cluster.run("run");
    CHECK(ended.status == 1);
    CHECK(ended.err.find("ends in 10ms with status 1") != std::string::npos);
}

TEST_CASE("with on_failure: exit, a services.yaml that cannot be used ends run as any failure does", "[R17][R32]") {
    LocalCluster cluster("", "  on_failure: exit\n  exit_pause: 10ms\n");
    if (GENERATE(true, false)) cluster.declare("services: [");
    cluster.put_unit("a.service", "v1");
    const auto ended = cluster.run("run");
    CHECK(ended.status == 1);
    CHECK(ended.err.find("services.yaml") != std::string::npos);
    CHECK(ended.err.find("ends in 10ms with status 1") != std::string::npos);
}

TEST_CASE("what needs a person is tried again after a long pause, or when SIGHUP says that it is mended", "[R32]") {
    LocalCluster cluster;
    declare_one(cluster);
    // The state file is a directory, so target-mock's first call is misconfigured.
    cluster.dir().write("cluster.json/x", "");
    SECTION("with on_failure: retry, the default") {
        Program program({"run", "--config", cluster.config()});
        REQUIRE(says(program, ", or at once on SIGHUP; the configuration is read again then"));
        // Already the first time, and up to a quarter less than a minute.
        CHECK(pause_said_in(program.err()) >= 45s);
        CHECK_FALSE(program.ended());
        cluster.dir().write("config.yaml",
                            "source: {plugin: source-file, path: source, settle: 20ms}\n"
                            "target: {plugin: target-mock, state_file: mended.json}\n"
                            "cache: {plugin: cache-file, path: cache}\n");
        program.send(SIGHUP);
        CHECK(says(program, "cycle ended, applied"));
        CHECK(terminate(program) == 0);
    }
    SECTION("with on_failure: exit") {
        cluster.configure("", "  on_failure: exit\n  exit_pause: 10ms\n");
        const auto ended = cluster.run("run");
        CHECK(ended.status == 1);
        CHECK(ended.err.find("ends in 10ms with status 1") != std::string::npos);
    }
}

TEST_CASE("two deployers do not share a cache: the second waits for the first to end") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    Program first({"run", "--config", cluster.config()});
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));
    Program second({"run", "--config", cluster.config()});
    CHECK(says(second, std::to_string(first.pid())));
    CHECK(says(second, "trying again in"));
    CHECK(cluster.run("plan").status == 0);
    CHECK(cluster.run("once").status == 1);
    CHECK(terminate(first) == 0);
    cluster.put_unit("b.service", "v1");
    cluster.declare("services:\n- name: a.service\n- name: b.service\n");
    second.send(SIGHUP);
    CHECK(eventually([&] { return cluster.units().count("b.service") == 1; }));
    CHECK(terminate(second) == 0);
}

TEST_CASE("a target that is unavailable every so often is in the end what is declared", "[R33]") {
    LocalCluster cluster("  unavailable_every: 4\n", "  interval: 100ms\n");
    std::string services = "services:\n";
    for (const auto* name : {"a", "b", "c", "d", "e", "f"}) {
        cluster.put_unit(std::string(name) + ".service", name);
        services += "- name: " + std::string(name) + ".service\n";
    }
    cluster.declare(services);
    Program program({"run", "--config", cluster.config()});
    CHECK(eventually([&] { return cluster.units().size() == 6; }, 200s));
}

TEST_CASE("what the deployer writes is refused within what it reads, with both paths") {
    LocalCluster cluster;
    declare_one(cluster);
    const auto within = " is within source.path, \"" + cluster.dir().path("source").string() +
                        "\", which the source reads: each write there would start another cycle; move one of the two";
    const auto check_refused = [&](const std::string& config, const std::string& message) {
        cluster.dir().write("config.yaml", config);
        for (const auto* const command : {"validate", "plan", "once", "run"}) {
            const auto ended = cluster.run(command);
            CHECK(ended.status == 1);
            INFO(ended.err);
            CHECK(ended.err.find(message) != std::string::npos);
        }
    };
    const auto configured = [](const std::string& source, const std::string& state, const std::string& cache) {
        return "source: {plugin: source-file, path: " + source +
               "}\ntarget: {plugin: target-mock, state_file: " + state +
               "}\ncache: {plugin: cache-file, path: " + cache + "}\n";
    };
    const auto path = [&](const std::string& name) { return cluster.dir().path(name).string(); };
    SECTION("the cache") {
        const auto cache = GENERATE("source/cache", "source/not/yet/there", "source/../source/cache", "source");
        check_refused(configured("source", "cluster.json", cache),
                      "config.yaml:3: cache.path: \"" + path(fs::path(cache).lexically_normal()) + '"' + within);
    }
    SECTION("the state file of a target") {
        check_refused(configured("source", "source/cluster.json", "cache"),
                      "config.yaml:2: target.state_file: \"" + path("source/cluster.json") + '"' + within);
    }
    SECTION("by way of a symbolic link, on either side") {
        fs::create_directory_symlink("source", path("current"));
        check_refused(configured("source", "cluster.json", "current/cache"),
                      '"' + path("current/cache") + '"' + within);
        check_refused(configured("current", "cluster.json", "source/cache"),
                      '"' + path("source/cache") + "\" is within source.path, \"" + path("current") + '"');
    }
    SECTION("but not beside it, above it, or hidden in it, where the source does not look") {
        for (const auto* const cache : {"source-cache", ".", "source/.deployer"}) {
            cluster.dir().write("config.yaml", configured("source", "cluster.json", cache));
            CHECK(cluster.run("validate").status == 0);
        }
    }
}

TEST_CASE("a log that goes into what it reads is refused by run") {
    LocalCluster cluster;
    declare_one(cluster);
    Program program(redirected("run", cluster.config(), "2>\"${1%/*}/source/log\""), "/bin/sh");
    CHECK(program.wait() == 1);
    const auto log = cluster.dir().read("source/log");
    INFO(log);
    CHECK(log.find("the log goes to standard error, and its file \"" + cluster.dir().path("source/log").string() +
                   "\" is within source.path") != std::string::npos);
}

TEST_CASE("a source that something writes into in each cycle rests for the interval, and that is said") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    Program program({"run", "--config", cluster.config()});
    const auto cycles = [&] {
        const auto log = program.err();
        const std::string sign = " wants 1 unit\n";
        std::size_t count = 0;
        for (auto at = log.find(sign); at != std::string::npos; at = log.find(sign, at + 1)) ++count;
        return count;
    };
    // No setting names this file: the thread writes it after each cycle's reading.
    const std::jthread writer([&](const std::stop_token& stop) {
        for (std::size_t written = 0; !stop.stop_requested();) {
            if (cycles() > written) cluster.put("seen", std::to_string(++written));
            std::this_thread::sleep_for(5ms);
        }
    });
    REQUIRE(says(program,
                 "the source has changed right after each of the last 10 cycles, and no change concerned the cluster"));
    const auto then = cycles();
    std::this_thread::sleep_for(1s);
    CHECK(cycles() == then);
    CHECK(terminate(program) == 0);
}
