#include "support/catch.hpp"
#include "support/local_cluster.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>
#include <set>
#include <string>
#include <thread>

using namespace deployer;

namespace {

constexpr int kills = 200;

/// Two states of a repository that differ in everything: count, version, content, desired state, names.
void declare(LocalCluster& cluster, bool first) {
    for (const auto* name : {"seq", "tmpl", "tmpl-sidekick"}) {
        cluster.put_unit(std::string(name) + "@.service", first ? "one" : "two");
    }
    for (const auto* name : {"always", "old", "new"}) cluster.put_unit(std::string(name) + ".service", name);
    cluster.declare(first ? "services:\n"
                            "- {name: seq@.service, count: 3, sequentialDeployment: true}\n"
                            "- {name: tmpl@.service, count: 2}\n"
                            "- {name: tmpl-sidekick@.service, count: 2}\n"
                            "- {name: always.service, desiredState: loaded}\n"
                            "- {name: old.service}\n"
                          : "services:\n"
                            "- {name: seq@.service, count: 3, sequentialDeployment: true}\n"
                            "- {name: tmpl@.service, count: 4}\n"
                            "- {name: tmpl-sidekick@.service, count: 4}\n"
                            "- {name: always.service}\n"
                            "- {name: new.service}\n");
}

const std::set<std::string> wanted_in_both{"always.service",          "seq@1.service",          "seq@2.service",
                                           "seq@3.service",           "tmpl@1.service",         "tmpl@2.service",
                                           "tmpl-sidekick@1.service", "tmpl-sidekick@2.service"};

bool has_all(const LocalCluster& cluster, const std::set<std::string>& wanted) {
    const auto units = cluster.units();
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& name) { return units.count(name) == 1; });
}

}  // namespace

TEST_CASE("killed at 200 random moments, it converges to the same state and never destroyed a wanted unit", "[R33]") {
    LocalCluster cluster(
        "  latency: 2ms\n  delay: 5ms\n",
        "  destroy: true\n  max_destroy: 100%\n  parallelism: 2\n  rollout: {timeout: 30s, poll: 2ms}\n");
    std::map<std::string, std::string> ends[2];
    for (const bool first : {false, true}) {
        declare(cluster, first);
        REQUIRE(cluster.once().status == 0);
        ends[first] = cluster.units();
    }
    REQUIRE(ends[0] != ends[1]);

    std::mt19937 random(static_cast<unsigned>(std::random_device{}()));
    bool first = false;
    int killed = 0;
    int whole = 0;
    while (killed < kills) {
        declare(cluster, first);
        // How long a change takes here and now, so that kills fall anywhere within.
        const auto begin = std::chrono::steady_clock::now();
        REQUIRE(cluster.once().status == 0);
        const auto length = std::chrono::steady_clock::now() - begin;
        REQUIRE(cluster.units() == ends[first]);
        ++whole;
        first = !first;
        declare(cluster, first);
        for (int i = 0; i < 20 && killed < kills; ++i) {
            Program program({"once", "--config", cluster.config()});
            std::this_thread::sleep_for(length * std::uniform_real_distribution(0.0, 1.2)(random));
            program.send(SIGKILL);
            (void)program.wait();
            ++killed;
            REQUIRE(has_all(cluster, wanted_in_both));
            if (cluster.units() == ends[first]) {
                first = !first;
                declare(cluster, first);
            }
        }
        const auto ended = cluster.once();
        INFO(ended.err + ended.out);
        REQUIRE(ended.status == 0);
        REQUIRE(cluster.units() == ends[first]);
        first = !first;
    }
    CHECK(whole >= kills / 20);
}
