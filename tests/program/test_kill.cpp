#include "support/catch.hpp"
#include "support/local_cluster.hpp"
#include "support/program.hpp"
#include "support/temp_dir.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using Names = std::set<std::string>;
using Units = std::map<std::string, std::string>;

constexpr int nodes = 6;

/// Two states of a repository that differ in everything: count, version, content, desired state, and a name.
enum class Wanted { first, second };

Wanted other(Wanted state) {
    return state == Wanted::first ? Wanted::second : Wanted::first;
}

Names names_of(Wanted state) {
    Names names{"always.service", state == Wanted::first ? "old.service" : "new.service"};
    for (int node = 1; node <= 3; ++node) names.insert("seq@" + std::to_string(node) + ".service");
    for (int node = 1; node <= (state == Wanted::first ? nodes / 2 : nodes); ++node) {
        names.insert("tmpl@" + std::to_string(node) + ".service");
        names.insert("tmpl-sidekick@" + std::to_string(node) + ".service");
    }
    return names;
}

/// A deployer with a target that records every call before it acts.
class RecordedCluster {
public:
    RecordedCluster() {
        dir_.write("config.yaml",
                   "source: {plugin: source-file, path: source, settle: 20ms}\n"
                   "target: {plugin: target-recording, file: units, calls: calls}\n"
                   "cache: {plugin: cache-file, path: cache}\n"
                   "plugins: {path: [" DEPLOYER_TEST_FIXTURES
                   "]}\n"
                   "reconcile:\n  destroy: true\n  max_destroy: 100%\n  parallelism: 2\n  interval: 1h\n"
                   "  rollout: {timeout: 30s, poll: 2ms}\n");
        write("first", "one", nodes / 2, "loaded", "old");
        write("second", "two", nodes, "launched", "new");
    }

    /// Replaces the declaration atomically.
    void declare(Wanted state) const {
        std::filesystem::create_directory_symlink(state == Wanted::first ? "first" : "second", dir_.path("next"));
        std::filesystem::rename(dir_.path("next"), dir_.path("source"));
    }

    [[nodiscard]] std::vector<std::string> arguments(const std::string& command) const {
        return {command, "--config", dir_.path("config.yaml").string()};
    }

    /// The state and options of each unit in the target.
    [[nodiscard]] Units units() const {
        Units units;
        if (!dir_.exists("units")) return units;
        std::istringstream in(dir_.read("units"));
        std::string name;
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("unit\t")) name = line.substr(5, line.find('\t', 5) - 5);
            units[name] += line + '\n';
        }
        return units;
    }

    /// The calls recorded since the last call of this function.
    std::vector<std::string> new_calls() {
        std::vector<std::string> calls;
        if (!dir_.exists("calls")) return calls;
        const auto text = dir_.read("calls");
        std::istringstream in(text.substr(read_));
        for (std::string line; std::getline(in, line);) calls.push_back(line);
        read_ = text.size();
        return calls;
    }

    [[nodiscard]] std::uintmax_t size_of_calls() const {
        return dir_.exists("calls") ? std::filesystem::file_size(dir_.path("calls")) : 0;
    }

private:
    void write(const std::string& directory, const std::string& command, int count, const std::string& state,
               const std::string& name) const {
        const auto put = [&](const std::string& file, const std::string& program) {
            dir_.write(directory + "/" + file, "[Service]\nExecStart=/bin/" + program + "\n");
        };
        for (const auto* file : {"seq@.service", "tmpl@.service", "tmpl-sidekick@.service"}) put(file, command);
        for (const auto* file : {"always.service", "old.service", "new.service"}) put(file, "same");
        const auto times = ", count: " + std::to_string(count) + "}\n";
        dir_.write(directory + "/services.yaml",
                   "services:\n- {name: seq@.service, count: 3, sequentialDeployment: true}\n- {name: tmpl@.service" +
                       times + "- {name: tmpl-sidekick@.service" + times +
                       "- {name: always.service, desiredState: " + state + "}\n- {name: " + name + ".service}\n");
    }

    TempDir dir_;
    std::size_t read_ = 0;
};

/// Checks the target's recorded calls for one declaration, in their order.
class Judge {
public:
    explicit Judge(Wanted wanted)
        : wanted_(names_of(wanted)),
          old_name_(wanted == Wanted::first ? "new.service" : "old.service"),
          new_name_(wanted == Wanted::first ? "old.service" : "new.service") {}

    void hear(const std::vector<std::string>& calls) {
        for (const auto& call : calls) hear(call);
    }

private:
    void hear(const std::string& call) {
        if (call == "apply " + new_name_) was_seen_ = false;
        if (call == "status " + new_name_) was_seen_ = true;
        if (!call.starts_with("destroy ")) return;
        const auto name = call.substr(8);
        INFO(call);
        REQUIRE(wanted_.count(name) == 0);
        REQUIRE((name != old_name_ || was_seen_));
    }

    Names wanted_;
    std::string old_name_;
    std::string new_name_;
    bool was_seen_ = false;  ///< the new name, after it was applied
};

/// Waits until the target was called, or the program has ended.
void wait_for_call(const RecordedCluster& cluster, Program& program, std::uintmax_t before) {
    const auto deadline = Clock::now() + 60s;
    while (cluster.size_of_calls() == before && !program.ended()) {
        if (Clock::now() > deadline) throw std::runtime_error("the target is not called: " + program.err());
        std::this_thread::sleep_for(100us);
    }
}

/// Kills the program; true when it was still alive.
bool kill(Program& program) {
    program.send(SIGKILL);
    return program.wait() == -SIGKILL;
}

void finish(const RecordedCluster& cluster) {
    Program program(cluster.arguments("once"));
    const auto status = program.wait();
    INFO(program.err() << program.out());
    REQUIRE(status == 0);
}

/// Whether the simulated cluster has the unit, and the unit was launched when the state file was last written.
bool was_launched(const LocalCluster& cluster, const std::string& name) {
    struct stat status {};
    REQUIRE(::stat(cluster.state_file().c_str(), &status) == 0);
    std::array<char, 32> written{};
    std::tm parts{};
    REQUIRE(::gmtime_r(&status.st_mtim.tv_sec, &parts) != nullptr);
    REQUIRE(std::strftime(written.data(), written.size(), "%FT%T", &parts) > 0);
    const auto milliseconds = std::to_string(1000 + status.st_mtim.tv_nsec / 1'000'000).substr(1);
    const auto root = Poco::JSON::Parser().parse(cluster.dir().read("cluster.json")).extract<Poco::JSON::Object::Ptr>();
    const auto units = root->getArray("units");
    for (unsigned i = 0; i < units->size(); ++i) {
        const auto unit = units->getObject(i);
        if (unit->getValue<std::string>("name") != name) continue;
        if (unit->getValue<std::string>("currentState") == "launched") return true;
        const auto pending = unit->getObject("pending");
        return pending && pending->getValue<std::string>("at") <= written.data() + ("." + milliseconds + "Z");
    }
    return false;
}

}  // namespace

namespace {

/// The rollouts from one wanted state to the other when nobody disturbs them.
struct Undisturbed {
    std::map<Wanted, Units> ends;
    std::map<Wanted, Clock::duration> lengths;  ///< of the changes, here and now, so that kills fall anywhere within

    explicit Undisturbed(RecordedCluster& cluster) {
        for (const auto state : {Wanted::first, Wanted::second, Wanted::first}) {
            cluster.declare(state);
            const auto before = cluster.size_of_calls();
            Program program(cluster.arguments("once"));
            wait_for_call(cluster, program, before);
            const auto begin = Clock::now();
            REQUIRE(program.wait() == 0);
            lengths[state] = Clock::now() - begin;
            ends[state] = cluster.units();
            Judge(state).hear(cluster.new_calls());
        }
    }
};

}  // namespace

TEST_CASE("killed at 200 random moments, it converges to the same state and never destroyed a wanted unit", "[R33]") {
    constexpr int wanted_kills = 200;
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    RecordedCluster cluster;
    Undisturbed undisturbed(cluster);
    auto& ends = undisturbed.ends;
    auto& lengths = undisturbed.lengths;
    auto wanted = Wanted::first;
    REQUIRE(ends[Wanted::first] != ends[Wanted::second]);
    std::optional<Judge> judge;
    const auto declare_other = [&] {
        // All changes for the former declaration have been made.
        if (judge) judge->hear(cluster.new_calls());
        wanted = other(wanted);
        cluster.declare(wanted);
        judge.emplace(wanted);
    };

    int kills = 0;
    int kills_of_run = 0;
    int midway = 0;
    for (int round = 0; kills < wanted_kills; ++round) {
        const bool reached = cluster.units() == ends[wanted];
        const bool daemon = random() % 2 == 0;
        const bool edited_meanwhile = daemon && reached && random() % 4 == 0;
        if (reached && !edited_meanwhile) declare_other();
        auto before = cluster.size_of_calls();
        Program program(cluster.arguments(daemon ? "run" : "once"));
        wait_for_call(cluster, program, before);
        if (edited_meanwhile) {
            before = cluster.size_of_calls();
            declare_other();
            wait_for_call(cluster, program, before);
        }
        std::this_thread::sleep_for(lengths[wanted] * std::uniform_real_distribution(0.0, 0.8)(random));
        const bool killed = kill(program);
        INFO(program.err() << program.out());
        REQUIRE((killed || program.wait() == 0));
        kills += killed ? 1 : 0;
        kills_of_run += killed && daemon ? 1 : 0;
        judge->hear(cluster.new_calls());
        const auto units = cluster.units();
        if (units != ends[Wanted::first] && units != ends[Wanted::second]) ++midway;
        if (round % 20 != 19) continue;
        finish(cluster);
        judge->hear(cluster.new_calls());
        REQUIRE(cluster.units() == ends[wanted]);
    }
    CAPTURE(kills_of_run, midway);
    CHECK(kills_of_run >= wanted_kills / 5);
    CHECK(midway >= wanted_kills / 5);
}

TEST_CASE("killed while a renamed service comes up, the old name goes only after the new one was launched",
          "[R25][R33]") {
    constexpr int wanted_kills = 50;
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    LocalCluster cluster("  delay: 50ms\n",
                         "  destroy: true\n  max_destroy: 100%\n  rollout: {timeout: 30s, poll: 2ms}\n");
    for (const auto* name : {"a.service", "b.service"}) cluster.put_unit(name, "same");
    std::string old_name = "a.service";
    std::string new_name = "b.service";
    const auto declare_new = [&] { cluster.declare("services:\n- name: " + new_name + "\n"); };
    cluster.declare("services:\n- name: " + old_name + "\n");
    REQUIRE(cluster.once().status == 0);
    declare_new();
    const auto begin = Clock::now();
    REQUIRE(cluster.once().status == 0);
    const auto length = Clock::now() - begin;
    REQUIRE(cluster.names() == std::vector{new_name});

    int kills = 0;
    int midway = 0;
    while (kills < wanted_kills) {
        if (cluster.names() == std::vector{new_name}) {
            std::swap(old_name, new_name);
            declare_new();
        }
        Program program({random() % 2 == 0 ? "run" : "once", "--config", cluster.config()});
        // On a busy machine starting takes most of the time, so half of the kills count from when both names are there.
        if (random() % 2 == 0) {
            CHECK(eventually([&] { return program.ended() || cluster.names().size() == 2; }));
            std::this_thread::sleep_for(60ms * std::uniform_real_distribution(0.0, 1.0)(random));
        } else {
            std::this_thread::sleep_for(length * std::uniform_real_distribution(0.0, 1.2)(random));
        }
        kills += kill(program) ? 1 : 0;
        const auto names = cluster.names();
        if (names.size() == 2) ++midway;
        if (std::count(names.begin(), names.end(), old_name) == 0) REQUIRE(was_launched(cluster, new_name));
    }
    CAPTURE(midway);
    CHECK(midway >= wanted_kills / 10);
    CHECK(eventually([&] { return cluster.once().status == 0; }));
    CHECK(cluster.names() == std::vector{new_name});
}
