#include "support/rollout_site.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;

/// Runs `once` on a cluster whose clock stands still until `at_once` nodes were changed. From then on the clock
/// advances by 500 ms after every few looks of the program. Returns the exit status.
int once_by_hand(LocalFleet& fleet, std::size_t at_once) {
    auto& cluster = fleet.fleet;
    cluster.forget_requests();
    Program program({"once", "--config", fleet.local.config()});
    CHECK(eventually([&] { return cluster.writes().size() >= at_once; }));
    while (!program.ended()) {
        const auto looks = cluster.count("GET /state");
        if (!eventually([&] { return program.ended() || cluster.count("GET /state") >= looks + 8; })) break;
        cluster.advance(500ms);
    }
    INFO(program.err());
    return program.wait();
}

TEST_CASE("no more nodes are down than max_unavailable allows", "[R41]") {
    const auto most = GENERATE(as<std::size_t>(), 1, 2);
    const auto down_before = GENERATE(as<std::size_t>(), 0, 1, 2);
    CAPTURE(most, down_before);
    LocalFleet fleet("  rollout: {timeout: 10m, poll: 2ms, max_unavailable: " + std::to_string(most) + "}\n",
                     {.speed = 0});
    auto& local = fleet.local;
    const Names last{"foo@4.service", "foo@3.service"};
    for (std::size_t i = 0; i < down_before; ++i) fleet.fleet.behave(last.at(i), FleetDouble::Behaviour::restart, "v1");
    local.put_unit("foo@.service", "v1");
    local.declare("services:\n- {name: foo@.service, count: 4, sequentialDeployment: true}\n");
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    local.put_unit("foo@.service", "v2");
    const auto since = fleet.fleet.now();
    CHECK(once_by_hand(fleet, most) == 0);
    const Names all{"foo@1.service", "foo@2.service", "foo@3.service", "foo@4.service"};
    // Nodes that were down before the rollout count too: they come up before more nodes go down than are allowed.
    CHECK(fleet.fleet.most_down(all, since) == std::max(most, down_before));
    const Names up(all.begin(), all.end() - static_cast<std::ptrdiff_t>(down_before));
    CHECK(fleet.fleet.most_down(up, since) <= most);
    for (const auto& [unit, version] : fleet.versions()) CHECK(version == "v2 running");
}

TEST_CASE("a service that allows more nodes to be down than the configuration has its way", "[R41]") {
    LocalFleet fleet("  rollout: {timeout: 10m, poll: 2ms}\n", {.speed = 0});
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.declare("services:\n- {name: foo@.service, count: 4, sequentialDeployment: true, max_unavailable: 2}\n");
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    local.put_unit("foo@.service", "v2");
    const auto since = fleet.fleet.now();
    CHECK(once_by_hand(fleet, 2) == 0);
    CHECK(fleet.fleet.most_down(fleet.fleet.names(), since) == 2);
}

TEST_CASE("where the canary does not come up, no other node is touched", "[R42]") {
    LocalFleet fleet(impatient);
    auto& local = fleet.local;
    local.declare("services:\n- {name: foo@.service, count: 3, canary: true}\n");
    fleet.fleet.behave("*", FleetDouble::Behaviour::hang, "bad");
    SECTION("of a service that runs") {
        local.put_unit("foo@.service", "v1");
        REQUIRE(local.once().status == 0);
        fleet.fleet.settle();
        local.put_unit("foo@.service", "bad");
        const auto ended = local.once();
        INFO(ended.out << ended.err);
        CHECK(ended.status == 4);
        CHECK(changes_of(ended) ==
              Names{"update foo@1.service failed", "update foo@2.service skipped", "update foo@3.service skipped"});
        CHECK(fleet.versions() == foo_with("bad down", "v1 running", "v1 running"));
        CHECK(local.once().status == 6);
        CHECK(fleet.versions() == foo_with("bad down", "v1 running", "v1 running"));
    }
    SECTION("of a new service") {
        local.put_unit("foo@.service", "bad");
        CHECK(local.once().status == 4);
        CHECK(fleet.versions() == Versions{{"foo@1.service", "bad down"}});
        CHECK(local.once().status == 6);
        CHECK(fleet.versions() == Versions{{"foo@1.service", "bad down"}});
    }
    fleet.fleet.forget_requests();
    local.put_unit("foo@.service", "v2");
    const auto fixed = local.once();
    INFO(fixed.out << fixed.err);
    CHECK(fixed.status == 0);
    CHECK(eventually([&] { return fleet.versions() == foo_with("v2 running", "v2 running", "v2 running"); }, 5s));
    // The first node is looked at three times before another node is changed.
    const auto requests = fleet.fleet.requests();
    const auto is_write = [](const std::string& line) { return line.starts_with("PUT "); };
    const auto first = std::find_if(requests.begin(), requests.end(), is_write);
    REQUIRE(first != requests.end());
    const auto second = std::find_if(first + 1, requests.end(), is_write);
    CHECK(std::count(first, second, "GET /state " + first->substr(4)) >= 3);
}

TEST_CASE("while a node's service is not healthy the next node is not touched", "[R42]") {
    std::atomic<bool> healthy = false;
    const HealthDouble health([&](const HttpRequest&) { return healthy.load(); });
    LocalCluster cluster("", patient);
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    REQUIRE(health.server().request_count() == 0);
    cluster.put_unit("foo@.service", "v2");
    auto program = start(cluster, "once");
    REQUIRE(health.server().wait_for_requests(20));
    CHECK(versions_of(cluster) == foo_with("v2 running", "v1 running", "v1 running"));
    CHECK(health.server().requests().front().path() == "/foo");
    CHECK(says_in_time(program, "waiting until foo@1.service is ready: health check: "));
    healthy = true;
    CHECK(program.wait(20s) == 0);
    CHECK(versions_of(cluster) == foo_with("v2 running", "v2 running", "v2 running"));
}

TEST_CASE("a version that runs and is not healthy is stopped or put back", "[R42][R43]") {
    const bool rolls_back = GENERATE(false, true);
    LocalCluster cluster("", with_on_timeout(rolls_back ? "rollback" : "halt"));
    const HealthDouble health([&](const HttpRequest&) { return has_no_bad_node(cluster); });
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "bad");
    const auto ended = cluster.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == (rolls_back ? 5 : 4));
    CHECK(holds(detail_of(ended, "foo"), "foo@1.service was not ready after 300ms: health check: "));
    CHECK(holds(detail_of(ended, "foo"), "503"));
    CHECK(versions_of(cluster) == foo_with(rolls_back ? "v1 running" : "bad running", "v1 running", "v1 running"));
    CHECK(cluster.once().status == 6);
    cluster.put_unit("foo@.service", "v2");
    CHECK(cluster.once().status == 0);
    CHECK(versions_of(cluster) == foo_with("v2 running", "v2 running", "v2 running"));
}

TEST_CASE("what services.yaml says of on_timeout counts more than the configuration", "[R43]") {
    const std::string in_configuration = GENERATE("halt", "continue", "rollback");
    const std::string of_service = GENERATE("halt", "continue", "rollback");
    CAPTURE(in_configuration, of_service);
    LocalCluster cluster("", "  rollout: {timeout: 100ms, poll: 10ms, on_timeout: " + in_configuration + "}\n");
    const HealthDouble health([&](const HttpRequest&) { return has_no_bad_node(cluster); });
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(
        "services:\n- {name: foo@.service, count: 3, sequentialDeployment: true, on_timeout: " + of_service + "}\n");
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "bad");
    const auto ended = cluster.once();
    INFO(ended.out << ended.err);
    if (of_service == "halt") {
        CHECK(ended.status == 4);
        CHECK(versions_of(cluster) == foo_with("bad running", "v1 running", "v1 running"));
    } else if (of_service == "continue") {
        CHECK(ended.status == 3);
        CHECK(versions_of(cluster) == foo_with("bad running", "bad running", "bad running"));
    } else {
        CHECK(ended.status == 5);
        CHECK(versions_of(cluster) == foo_with("v1 running", "v1 running", "v1 running"));
    }
    CHECK(outcome_of(cluster.once(), "foo") == "quarantined");
}
