#include "support/rollout_site.hpp"

#include <chrono>
#include <csignal>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("retry has the same content tried once more", "[R43]") {
    LocalCluster cluster("", impatient);
    halt(cluster);
    REQUIRE(cluster.once().status == 6);

    const auto unknown = cluster.run("retry", {"bar"});
    CHECK(unknown.status == 1);
    CHECK(holds(unknown.err, "\"bar\" is not quarantined; quarantined services: foo"));
    CHECK(cluster.once().status == 6);

    const auto retried = cluster.run("retry", {GENERATE("foo", "foo@1.service", "foo@.service", "foo@3.service")});
    CHECK(retried.status == 0);
    CHECK(holds(retried.out, "\"foo\" is tried again in the next cycle"));
    CHECK(cluster.run("status").out.find("quarantined") == std::string::npos);
    SECTION("in vain") {
        const auto ended = cluster.once();
        INFO(ended.out << ended.err);
        CHECK(ended.status == 4);
        CHECK(cluster.once().status == 6);
        CHECK(versions_of(cluster) == foo_with("v2 down", "v1 running", "v1 running"));
    }
    SECTION("when somebody has started the node") {
        cluster.configure("", impatient);
        const TestCall call;
        const auto hand = load_target("target-mock", "state_file: \"" + cluster.state_file().string() + "\"\n");
        hand->set_desired_state("foo@1.service", DesiredState::inactive, call);
        hand->set_desired_state("foo@1.service", DesiredState::launched, call);
        const auto ended = cluster.once();
        INFO(ended.out << ended.err);
        CHECK(ended.status == 0);
        CHECK(versions_of(cluster) == foo_with("v2 running", "v2 running", "v2 running"));
        CHECK(cluster.run("retry", {"foo"}).status == 1);
        CHECK(holds(cluster.run("retry", {"foo"}).err, "\"foo\" is not quarantined; no service is"));
    }
}

TEST_CASE("retry --all has everything tried once more that is quarantined, and lists it", "[R43]") {
    LocalCluster cluster("", impatient);
    CHECK(cluster.run("retry", {"--all"}).status == 1);
    halt(cluster);
    CHECK(cluster.run("retry").status == 64);
    const auto retried = cluster.run("retry", {"--all"});
    CHECK(retried.status == 0);
    CHECK(retried.out == "\"foo\" is tried again in the next cycle\n");
    CHECK(cluster.once().status == 4);
    const auto again = cluster.run("retry", {"--all"});
    CHECK(again.status == 0);
    const auto nothing = cluster.run("retry", {"--all"});
    CHECK(nothing.status == 1);
    CHECK(holds(nothing.err, "no service is quarantined"));
}

TEST_CASE("retry, pause and resume work beside a daemon", "[R43]") {
    LocalFleet fleet("  interval: 50ms\n  rollout: {timeout: 300ms, poll: 10ms}\n");
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.put_unit("plain.service", "v1");
    local.declare(sequential_foo + "- name: plain.service\n");
    Program daemon({"run", "--config", local.config()});
    const auto all_are = [&](const std::string& foo, const std::string& plain) {
        auto expected = foo_with(foo, foo, foo);
        expected["plain.service"] = plain;
        return eventually([&] { return fleet.versions() == expected; }, 20s);
    };
    REQUIRE(all_are("v1 running", "v1 running"));
    const auto status_has = [&](const std::string& text) {
        return eventually([&] { return local.run("status").out.find(text) != std::string::npos; }, 20s);
    };

    SECTION("retry") {
        fleet.fleet.behave("foo@*", FleetDouble::Behaviour::hang, "v2");
        local.put_unit("foo@.service", "v2");
        REQUIRE(status_has("quarantined  foo"));
        // A later change of another service is deployed, and foo is left alone.
        local.put_unit("plain.service", "v2");
        REQUIRE(eventually([&] { return fleet.versions().at("plain.service") == "v2 running"; }, 20s));
        CHECK(fleet.versions().at("foo@1.service") == "v2 down");
        CHECK(fleet.versions().at("foo@2.service") == "v1 running");
        CHECK(fleet.fleet.count("PUT foo@1.service") == 2);
        fleet.fleet.behave("foo@*", FleetDouble::Behaviour::run, "v2");
        // The cause is removed, and somebody starts the failed unit again.
        const auto options = fleet.fleet.find("foo@1.service")->options;
        fleet.fleet.add({"foo@1.service", options, DesiredState::launched});
        CHECK(local.run("retry", {"foo"}).status == 0);
        CHECK(all_are("v2 running", "v2 running"));
        CHECK(eventually([&] { return local.run("status").out.find("quarantined") == std::string::npos; }, 20s));
    }
    SECTION("pause and resume of a service") {
        REQUIRE(local.run("pause", {"foo@2.service", "--reason", "release freeze"}).status == 0);
        CHECK(status_has("paused       foo: release freeze (since "));
        local.put_unit("foo@.service", "v2");
        local.put_unit("plain.service", "v2");
        CHECK(all_are("v1 running", "v2 running"));
        local.put_unit("plain.service", "v3");
        CHECK(all_are("v1 running", "v3 running"));
        CHECK(local.run("resume", {"foo"}).status == 0);
        CHECK(all_are("v2 running", "v3 running"));
    }
    SECTION("pause and resume of everything") {
        REQUIRE(local.run("pause", {"--reason", "release freeze"}).status == 0);
        CHECK(status_has("paused       all services: release freeze (since "));
        local.put_unit("foo@.service", "v2");
        local.put_unit("plain.service", "v2");
        // The deployer has read the new revision.
        CHECK(status_has("attempted "));
        CHECK(all_are("v1 running", "v1 running"));
        CHECK(local.run("resume").status == 0);
        CHECK(all_are("v2 running", "v2 running"));
    }
    daemon.send(SIGTERM);
    CHECK(daemon.wait(20s) == 0);
}

TEST_CASE("what is paused is left as it is until it is resumed, and plan shows it") {
    LocalCluster cluster("", impatient);
    cluster.put_unit("foo@.service", "v1");
    cluster.put_unit("plain.service", "v1");
    cluster.declare(sequential_foo + "- name: plain.service\n");
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "v2");
    cluster.put_unit("plain.service", "v2");
    const auto before = versions_of(cluster);

    CHECK(cluster.run("pause", {"foo"}).status == 64);
    SECTION("a service") {
        const auto paused = cluster.run("pause", {"foo", "--reason", "release freeze"});
        CHECK(paused.status == 0);
        CHECK(holds(paused.out, "\"foo\" is paused from the next cycle on"));
        const auto plan = cluster.run("plan");
        CHECK(plan.status == 0);
        CHECK(holds(plan.out, "foo: release freeze (since "));
        CHECK(holds(plan.out, "3 changes left"));
        const auto json = cluster.run("plan", {"--output", "json"});
        CHECK(outcome_of(json, "foo") == "paused");
        CHECK(changes_of(json) == Names{"update plain.service planned"});
        CHECK(cluster.once().status == 9);
        const auto after = versions_of(cluster);
        CHECK(after.at("plain.service") == "v2 running");
        CHECK(after.at("foo@1.service") == "v1 running");
        const auto wrong = cluster.run("resume", {"plain"});
        CHECK(wrong.status == 1);
        CHECK(holds(wrong.err, "\"plain\" is not paused; paused: \"foo\""));
        CHECK(cluster.run("resume").status == 1);
        CHECK(cluster.run("resume", {"foo@1.service"}).status == 0);
    }
    SECTION("everything") {
        CHECK(cluster.run("pause", {"--reason", "release freeze"}).status == 0);
        const auto plan = cluster.run("plan");
        CHECK(holds(plan.out, "all services: release freeze (since "));
        CHECK(changes_of(cluster.run("plan", {"--output", "json"})).empty());
        CHECK(cluster.once().status == 9);
        CHECK(versions_of(cluster) == before);
        CHECK(cluster.run("resume", {"foo"}).status == 1);
        CHECK(cluster.run("resume").status == 0);
    }
    CHECK(cluster.once().status == 0);
    CHECK(versions_of(cluster).at("foo@3.service") == "v2 running");
    CHECK(versions_of(cluster).at("plain.service") == "v2 running");
}

TEST_CASE("plan shows what is quarantined and proposes nothing for it", "[R43]") {
    LocalCluster cluster("", impatient);
    halt(cluster);
    const auto plan = cluster.run("plan");
    CHECK(plan.status == 0);
    CHECK(holds(plan.out, "quarantined"));
    CHECK(holds(plan.out, "foo@1.service will not become ready: failed"));
    const auto json = cluster.run("plan", {"--output", "json", "--detailed-exitcode"});
    CHECK(json.status == 0);
    CHECK(result_of(json) == "quarantined");
    CHECK(outcome_of(json, "foo") == "quarantined");
    CHECK(changes_of(json).empty());
}

TEST_CASE("a fix that is committed during a wait goes through within seconds", "[R44]") {
    LocalFleet fleet(patient);
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.declare(sequential_foo);
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    fleet.fleet.behave("*", FleetDouble::Behaviour::hang, "v2");
    local.put_unit("foo@.service", "v2");
    Program daemon({"run", "--config", local.config()});
    REQUIRE(says_in_time(daemon, "waiting until foo@1.service is ready: activating (start)"));
    CHECK(fleet.versions() == foo_with("v2 down", "v1 running", "v1 running"));
    const auto since = fleet.fleet.now();
    local.put_unit("foo@.service", "v3");
    CHECK(eventually([&] { return fleet.versions() == foo_with("v3 running", "v3 running", "v3 running"); }, 15s));
    CHECK(says_in_time(daemon, "superseded by revision "));
    CHECK(fleet.fleet.most_down({"foo@1.service", "foo@2.service", "foo@3.service"}, since) == 1);
    CHECK(eventually([&] { return local.run("history").out.find("applied") != std::string::npos; }));
    CHECK(holds(local.run("history").out, "foo  superseded"));
    CHECK(local.run("status").out.find("quarantined") == std::string::npos);
}
