#include "support/rollout_site.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("what halted or went back is mended by a fix and by taking it back, whichever node was bad", "[R42][R43]") {
    const bool rolls_back = GENERATE(false, true);
    const int bad = GENERATE(1, 2);
    const std::string next = GENERATE("v1", "v2");
    CAPTURE(rolls_back, bad, next);
    LocalCluster cluster("", with_on_timeout(rolls_back ? "rollback" : "halt"));
    // One running node of the bad version makes the whole service unhealthy.
    const HealthDouble health([&](const HttpRequest&) {
        const auto versions = versions_of(cluster);
        return versions.at("foo@" + std::to_string(bad) + ".service") != "bad running";
    });
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "bad");
    REQUIRE(cluster.once().status == (rolls_back ? 5 : 4));
    cluster.put_unit("foo@.service", next);
    const auto ended = cluster.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == 0);
    CHECK(versions_of(cluster) == foo_with(next + " running", next + " running", next + " running"));
    const auto status = cluster.run("status", {"--output", "json"}).json();
    CHECK(status->getArray("quarantined")->empty());
    CHECK(status->getArray("not_seen_ready")->empty());
}

TEST_CASE("without what was written down, a version that does not become ready goes no further either", "[R33][R41]") {
    LocalFleet fleet(impatient);
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.declare(sequential_foo);
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    fleet.fleet.behave("*", FleetDouble::Behaviour::hang, "v2");
    local.put_unit("foo@.service", "v2");
    REQUIRE(local.once().status == 4);
    local.dir().remove("cache");
    for (int i = 0; i < 2; ++i) {
        CHECK(local.once().status != 0);
        CHECK(fleet.versions() == foo_with("v2 down", "v1 running", "v1 running"));
    }
    local.put_unit("foo@.service", "v3");
    CHECK(local.once().status == 0);
    CHECK(fleet.versions() == foo_with("v3 running", "v3 running", "v3 running"));
}

TEST_CASE("a fix that is committed while nodes are put back goes through", "[R43][R44]") {
    LocalFleet fleet("  interval: 100ms\n  rollout: {timeout: 2s, poll: 10ms, on_timeout: rollback}\n");
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.declare(sequential_foo);
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    fleet.fleet.behave("*", FleetDouble::Behaviour::fail, "v2");
    // The node's former version does not come up either.
    fleet.fleet.behave("foo@1.service", FleetDouble::Behaviour::hang, "v1");
    local.put_unit("foo@.service", "v2");
    Program daemon({"run", "--config", local.config()});
    REQUIRE(eventually([&] { return fleet.fleet.count("PUT foo@1.service") == 3; }));
    CHECK(fleet.versions().at("foo@1.service").starts_with("v1"));
    local.put_unit("foo@.service", "v3");
    CHECK(eventually([&] { return fleet.versions() == foo_with("v3 running", "v3 running", "v3 running"); }, 15s));
    CHECK(eventually([&] { return local.run("status").out.find("attempted") == std::string::npos; }));
    CHECK(local.run("status").out.find("quarantined") == std::string::npos);
}

TEST_CASE("old nodes that are healthy do not let a new one pass that is not", "[R42]") {
    const HealthDouble health([](const HttpRequest& request) { return request.path() != "/foo@2.service"; });
    LocalCluster cluster("", impatient);
    cluster.use_blocks(health.block("/{unit}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "v2");
    const auto ended = cluster.once();
    CHECK(ended.status == 4);
    CHECK(holds(detail_of(ended, "foo"), "foo@2.service was not ready"));
    CHECK(versions_of(cluster) == foo_with("v2 running", "v2 running", "v1 running"));
}

TEST_CASE("lucky health samples among bad ones let nothing pass", "[R42]") {
    const int lucky = GENERATE(1, 2);
    CAPTURE(lucky);
    std::atomic<int> samples = 0;
    const HealthDouble health([&](const HttpRequest&) { return ++samples % 3 < lucky; });
    LocalCluster cluster("", impatient);
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "v2");
    const auto ended = cluster.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == 4);
    CHECK(samples >= 6);
    CHECK(versions_of(cluster) == foo_with("v2 running", "v1 running", "v1 running"));
}

TEST_CASE("a healthy service is asked stable_samples times a node", "[R42]") {
    const int samples = GENERATE(1, 3, 5);
    const HealthDouble health([](const HttpRequest&) { return true; });
    LocalCluster cluster("", "  rollout: {timeout: 20s, poll: 2ms, stable_samples: " + std::to_string(samples) + "}\n");
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "v2");
    CHECK(cluster.once().status == 0);
    CHECK(health.server().request_count() == static_cast<std::size_t>(3 * samples));
}

TEST_CASE("a count beyond the machines quarantines nothing, lets others go, and ends when it fits again",
          "[R25][R43]") {
    LocalFleet fleet("  destroy: true\n  rollout: {timeout: 10m, poll: 10ms, placement_grace: 300ms}\n");
    auto& local = fleet.local;
    const auto nodes_of_foo = [](int count) {
        return "services:\n- {name: foo@.service, count: " + std::to_string(count) + ", sequentialDeployment: true}\n";
    };
    local.put_unit("foo@.service", "v1");
    local.put_unit("bar.service", "v1");
    local.declare(nodes_of_foo(4) + "- name: bar.service\n");
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    fleet.fleet.behave("foo@5.service", FleetDouble::Behaviour::unschedulable);
    local.declare(nodes_of_foo(5));
    for (int i = 0; i < 2; ++i) {
        const auto ended = local.once();
        INFO(ended.out << ended.err);
        CHECK(ended.status == 3);
        CHECK(outcome_of(ended, "foo") != "quarantined");
        CHECK(holds(ended.out, "not scheduled to a machine"));
        CHECK_FALSE(fleet.fleet.find("bar.service"));
    }
    local.declare(nodes_of_foo(4));
    const auto ended = local.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == 0);
    CHECK(fleet.fleet.names() == Names{"foo@1.service", "foo@2.service", "foo@3.service", "foo@4.service"});
}

TEST_CASE("a machine that does not begin quarantines nothing, and its unit goes through once it does", "[R42][R43]") {
    const bool rolls_back = GENERATE(false, true);
    LocalFleet fleet(with_on_timeout(rolls_back ? "rollback" : "halt"));
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.declare(sequential_foo);
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    const auto old = unit_file_hash(fleet.fleet.find("foo@1.service")->options);
    // The agent of the unit's machine hangs, so fleet keeps reporting the old version.
    fleet.fleet.show("foo@1.service", {{.hash = old}});
    local.put_unit("foo@.service", "v2");
    for (int i = 0; i < 2; ++i) {
        const auto ended = local.once();
        INFO(ended.out << ended.err);
        CHECK(ended.status == 3);
        CHECK(holds(ended.out, "the old version still runs"));
        CHECK(fleet.versions().at("foo@2.service") == "v1 running");
    }
    fleet.fleet.show("foo@1.service", {FleetState{}});
    const auto ended = local.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == 0);
}
