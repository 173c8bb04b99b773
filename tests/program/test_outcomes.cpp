#include "support/rollout_site.hpp"

#include <chrono>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("a version that does not become ready is left alone, the rest runs on, and a fix goes through by itself",
          "[R41][R42][R43]") {
    const bool is_fleet = GENERATE(false, true);
    const bool rolls_back = GENERATE(false, true);
    const int broken = GENERATE(1, 2);
    CAPTURE(is_fleet, rolls_back, broken);
    Site site(is_fleet, with_on_timeout(rolls_back ? "rollback" : "halt"));
    auto& local = site.local();
    declare_three(local, "v1", "v1");
    REQUIRE(local.once().status == 0);
    REQUIRE(eventually([&] {
        return site.versions() == with_others(foo_with("v1 running", "v1 running", "v1 running"), "v1 running");
    }));

    site.break_node("foo@" + std::to_string(broken) + ".service", "v2");
    declare_three(local, "v2", "v2");
    const auto ended = rolls_back ? site.once_with_help("v1") : local.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == (rolls_back ? 5 : 4));
    CHECK(result_of(ended) == (rolls_back ? "rolled_back" : "halted"));
    CHECK(outcome_of(ended, "foo") == (rolls_back ? "rolled_back" : "halted"));
    CHECK(outcome_of(ended, "plain") == "applied");
    CHECK(outcome_of(ended, "other") == "applied");
    const auto end = with_others(rolls_back    ? foo_with("v1 running", "v1 running", "v1 running")
                                 : broken == 1 ? foo_with("v2 down", "v1 running", "v1 running")
                                               : foo_with("v2 running", "v2 down", "v1 running"),
                                 "v2 running");
    CHECK(eventually([&] { return site.versions() == end; }, 5s));
    CHECK(site.versions() == end);

    const auto writes = site.writes();
    for (int i = 0; i < 2; ++i) {
        const auto again = local.once();
        INFO(again.out << again.err);
        CHECK(again.status == 6);
        CHECK(result_of(again) == "quarantined");
        CHECK(outcome_of(again, "foo") == "quarantined");
        CHECK(changes_of(again).empty());
    }
    CHECK(site.writes() == writes);

    site.mend();
    declare_three(local, "v3", "v2");
    const auto fixed = local.once();
    INFO(fixed.out << fixed.err);
    CHECK(fixed.status == 0);
    CHECK(result_of(fixed) == "applied");
    const auto mended = with_others(foo_with("v3 running", "v3 running", "v3 running"), "v2 running");
    CHECK(eventually([&] { return site.versions() == mended; }, 5s));
    CHECK(result_of(local.once()) == "in_sync");
}

TEST_CASE("what has failed for good is not waited for", "[R42]") {
    const bool is_fleet = GENERATE(false, true);
    LocalFleet fleet(patient);
    auto& local = fleet.local;
    if (!is_fleet) local.use_target("  plugin: target-mock\n  state_file: cluster.json\n");
    local.put_unit("foo@.service", "v1");
    local.declare(sequential_foo);
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    fleet.fleet.behave("*", FleetDouble::Behaviour::fail, "v2");
    if (!is_fleet) local.configure("  fail: [\"*\"]\n", patient);
    local.put_unit("foo@.service", "v2");
    const auto ended = local.once();
    CHECK(ended.status == 4);
    CHECK(holds(detail_of(ended, "foo"), "foo@1.service"));
    CHECK(holds(detail_of(ended, "foo"), "failed"));
    CHECK((is_fleet ? fleet.versions() : versions_of(local)) == foo_with("v2 down", "v1 running", "v1 running"));
}

namespace {

void deploy_foo_and_plain(LocalCluster& cluster) {
    cluster.put_unit("foo@.service", "v1");
    cluster.put_unit("plain.service", "v1");
    cluster.declare(sequential_foo + "- name: plain.service\n");
    const auto first = cluster.once();
    REQUIRE(first.status == 0);
    REQUIRE(result_of(first) == "applied");
    REQUIRE(outcome_of(first, "foo") == "applied");
}

}  // namespace

TEST_CASE("each outcome of once has an exit status of its own, and shows in the report") {
    LocalCluster cluster("", impatient);
    deploy_foo_and_plain(cluster);
    cluster.put_unit("plain.service", "v2");

    SECTION("degraded") {
        cluster.configure("  refuse: [plain.service]\n", impatient);
        const auto ended = cluster.once();
        CHECK(ended.status == 3);
        CHECK(result_of(ended) == "degraded");
        CHECK(outcome_of(ended, "plain") == "degraded");
    }
    SECTION("halted, and then quarantined") {
        cluster.configure("  never_ready: [\"foo@1.service\"]\n", impatient);
        cluster.put_unit("foo@.service", "v2");
        const auto ended = cluster.once();
        CHECK(ended.status == 4);
        CHECK(result_of(ended) == "halted");
        CHECK(holds(detail_of(ended, "foo"), "foo@1.service was not ready after 300ms: inactive"));
        CHECK(changes_of(ended) == Names{"update foo@1.service failed", "update foo@2.service skipped",
                                         "update foo@3.service skipped", "update plain.service done"});
        CHECK(cluster.once().status == 6);
        CHECK(holds(cluster.run("once").out, "quarantined"));
    }
    SECTION("held") {
        cluster.put("foo@.service", "no unit file\n");
        const auto ended = cluster.once();
        CHECK(ended.status == 7);
        CHECK(result_of(ended) == "held");
        CHECK(outcome_of(ended, "plain") == "applied");
        CHECK(ended.json()->getArray("held")->size() == 1);
    }
    SECTION("superseded") {
        cluster.configure("  never_ready: [\"foo@1.service\"]\n", patient);
        cluster.put_unit("foo@.service", "v2");
        auto program = start(cluster, "once");
        REQUIRE(says_in_time(program, "waiting until foo@1.service is ready"));
        cluster.put_unit("foo@.service", "v3");
        CHECK(program.wait(20s) == 8);
        const Ended ended{8, program.out(), program.err()};
        CHECK(result_of(ended) == "superseded");
        CHECK(outcome_of(ended, "foo") == "superseded");
        CHECK(outcome_of(ended, "plain") == "applied");
        CHECK(changes_of(ended) == Names{"update foo@1.service superseded", "update foo@2.service skipped",
                                         "update foo@3.service skipped", "update plain.service done"});
    }
    SECTION("paused") {
        REQUIRE(cluster.run("pause", {"plain", "--reason", "a test"}).status == 0);
        const auto ended = cluster.once();
        CHECK(ended.status == 9);
        CHECK(result_of(ended) == "paused");
        CHECK(outcome_of(ended, "plain") == "paused");
        CHECK(versions_of(cluster).at("plain.service") == "v1 running");
    }
}

TEST_CASE("status and history say what was quarantined and why, for people and for programs", "[R43]") {
    LocalCluster cluster("", impatient);
    halt(cluster);
    const auto status = cluster.run("status");
    CHECK(status.status == 0);
    CHECK(holds(status.out, "quarantined  foo: foo@1.service will not become ready: failed (halted "));
    CHECK(holds(status.out, "coco-fleet-deployer retry foo"));
    CHECK(holds(status.out, "applied "));
    CHECK(holds(status.out, "attempted "));
    CHECK(holds(status.out, "not ready    foo@1.service"));
    const auto json = cluster.run("status", {"--output", "json"}).json();
    CHECK(json->getValue<std::string>("applied") != json->getValue<std::string>("attempted"));
    REQUIRE(json->getArray("quarantined")->size() == 1);
    const auto entry = json->getArray("quarantined")->getObject(0);
    CHECK(entry->getValue<std::string>("service") == "foo");
    CHECK(entry->getValue<std::string>("outcome") == "halted");
    CHECK(holds(entry->getValue<std::string>("reason"), "foo@1.service"));
    CHECK(json->getArray("paused")->empty());

    const auto history = cluster.run("history");
    CHECK(history.status == 0);
    const auto halted = history.out.find("halted");
    const auto applied = history.out.find("applied");
    REQUIRE(halted != std::string::npos);
    REQUIRE(applied != std::string::npos);
    CHECK(halted < applied);
    CHECK(holds(history.out, "foo  halted: foo@1.service"));
    const auto entries = array_in(cluster.run("history", {"--output", "json"}));
    REQUIRE(entries->size() == 2);
    const auto last = entries->getObject(0);
    CHECK(last->getValue<std::string>("result") == "halted");
    CHECK(last->getArray("groups")->getObject(0)->getValue<std::string>("service") == "foo");
    CHECK(last->getArray("groups")->getObject(0)->getValue<std::string>("outcome") == "halted");
    CHECK(entries->getObject(1)->getValue<std::string>("result") == "applied");
}

TEST_CASE("before anything was done, status and history say so") {
    const LocalCluster cluster;
    CHECK(holds(cluster.run("status").out, "none"));
    CHECK(holds(cluster.run("history").out, "no cycle has changed anything yet"));
    CHECK(array_in(cluster.run("history", {"--output", "json"}))->empty());
    CHECK(cluster.run("status", {"--output", "json"}).json()->getArray("quarantined")->empty());
}
