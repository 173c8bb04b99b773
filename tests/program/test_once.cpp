#include "support/catch.hpp"
#include "support/local_cluster.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace deployer;

namespace {

using Names = std::vector<std::string>;

/// Declares a template with sidekicks, a plain service and a timer, and deploys them.
LocalCluster& deploy_small(LocalCluster& cluster) {
    cluster.put_unit("web@.service", "DOCKER_APP_VERSION=latest serve");
    cluster.put_unit("web-sidekick@.service", "announce");
    cluster.put_unit("backup.service", "backup");
    cluster.put("backup.timer", "[Timer]\nOnCalendar=01:00\n");
    cluster.declare(
        "services:\n"
        "- name: web@.service\n  version: 1.0.0\n  count: 2\n"
        "- name: web-sidekick@.service\n  count: 2\n"
        "- name: backup.service\n"
        "- name: backup.timer\n");
    const auto ended = cluster.once();
    INFO(ended.err + ended.out);
    REQUIRE(ended.status == 0);
    return cluster;
}

const std::string small_services =
    "services:\n"
    "- name: web@.service\n  version: VERSION\n  count: COUNT\n"
    "- name: web-sidekick@.service\n  count: COUNT\n"
    "- name: backup.service\n  desiredState: STATE\n"
    "- name: backup.timer\n";

std::string fill(const std::string& version, const std::string& count, const std::string& state) {
    auto text = small_services;
    const auto replace = [&](const std::string& word, const std::string& value) {
        for (auto at = text.find(word); at != std::string::npos; at = text.find(word))
            text.replace(at, word.size(), value);
    };
    replace("VERSION", version);
    replace("COUNT", count);
    replace("STATE", state);
    return text;
}

}  // namespace

TEST_CASE("once deploys what is declared, then finds it in sync") {
    LocalCluster cluster;
    deploy_small(cluster);
    CHECK(cluster.names() == Names{"backup.service", "backup.timer", "web-sidekick@1.service", "web-sidekick@2.service",
                                   "web@1.service", "web@2.service"});
    const auto before = cluster.dir().read("cluster.json");
    CHECK(before.find("DOCKER_APP_VERSION=1.0.0") != std::string::npos);
    for (int i = 0; i < 2; ++i) {
        const auto again = cluster.once();
        CHECK(again.status == 0);
        CHECK(result_of(again) == "in_sync");
        CHECK(changes_of(again).empty());
    }
    CHECK(cluster.dir().read("cluster.json") == before);
}

namespace {

/// Whether all units but those named are the same.
template <class Units>
bool are_same_but(Units after, Units before, const Names& touched) {
    for (const auto& name : touched) {
        after.erase(name);
        before.erase(name);
    }
    return after == before;
}

}  // namespace

TEST_CASE("each edit of services.yaml changes exactly the units that it should") {
    LocalCluster cluster;
    deploy_small(cluster);
    const auto before = cluster.units();
    const auto untouched = [&](const Names& touched) { return are_same_but(cluster.units(), before, touched); };

    SECTION("raising a count") {
        cluster.declare(fill("1.0.0", "3", "launched"));
        CHECK(changes_of(cluster.once()) == Names{"create web@3.service done", "create web-sidekick@3.service done"});
        CHECK(untouched({"web@3.service", "web-sidekick@3.service"}));
        CHECK(cluster.units().at("web@3.service") == before.at("web@1.service"));
    }
    SECTION("lowering a count") {
        cluster.declare(fill("1.0.0", "1", "launched"));
        CHECK(changes_of(cluster.once()) == Names{"destroy web-sidekick@2.service done", "destroy web@2.service done"});
        CHECK(untouched({"web@2.service", "web-sidekick@2.service"}));
        CHECK(cluster.units().size() == 4);
    }
    SECTION("a count of zero") {
        cluster.declare(fill("1.0.0", "0", "launched"));
        CHECK(changes_of(cluster.once()).size() == 4);
        CHECK(cluster.names() == Names{"backup.service", "backup.timer"});
        CHECK(untouched({"web@1.service", "web@2.service", "web-sidekick@1.service", "web-sidekick@2.service"}));
    }
    SECTION("another version") {
        cluster.declare(fill("1.0.1", "2", "launched"));
        CHECK(changes_of(cluster.once()) == Names{"update web@1.service done", "update web@2.service done"});
        CHECK(untouched({"web@1.service", "web@2.service"}));
        CHECK(cluster.units().at("web@1.service") != before.at("web@1.service"));
        CHECK(cluster.units().at("web@1.service") == cluster.units().at("web@2.service"));
    }
    SECTION("another service file") {
        cluster.put_unit("web-sidekick@.service", "announce louder");
        CHECK(changes_of(cluster.once()) ==
              Names{"update web-sidekick@1.service done", "update web-sidekick@2.service done"});
        CHECK(untouched({"web-sidekick@1.service", "web-sidekick@2.service"}));
    }
    SECTION("another desired state") {
        cluster.declare(fill("1.0.0", "2", "loaded"));
        CHECK(changes_of(cluster.once()) == Names{"set_state backup.service done"});
        CHECK(untouched({"backup.service"}));
        CHECK(cluster.units().at("backup.service").find(" loaded") != std::string::npos);
    }
    SECTION("an entry removed") {
        cluster.declare(
            "services:\n- name: web@.service\n  version: 1.0.0\n  count: 2\n"
            "- name: web-sidekick@.service\n  count: 2\n- name: backup.timer\n");
        CHECK(changes_of(cluster.once()) == Names{"destroy backup.service done"});
        CHECK(untouched({"backup.service"}));
        CHECK(cluster.units().size() == 5);
    }
    SECTION("white space alone") {
        cluster.put("backup.timer", "# a comment\n[Timer]\n\nOnCalendar = 01:00\n");
        CHECK(changes_of(cluster.once()).empty());
        CHECK(untouched({}));
    }
    CHECK(result_of(cluster.once()) == "in_sync");
}

TEST_CASE("without destroy nothing goes, and once says how many units it left", "[R22]") {
    LocalCluster cluster("", "  interval: 60s\n");
    deploy_small(cluster);
    cluster.declare(fill("1.0.0", "1", "launched"));
    const auto ended = cluster.once();
    CHECK(ended.status == 0);
    CHECK(ended.json()->getObject("left")->getValue<int>("destroy_disabled") == 2);
    CHECK(cluster.units().size() == 6);
    const auto table = cluster.run("plan").out;
    CHECK(table.find("2 units no longer wanted, left running: reconcile.destroy is false") != std::string::npos);
}

TEST_CASE("a failing sequential group halts, everything else is done, and the exit status tells", "[R41]") {
    LocalCluster cluster("  never_ready: [\"web@1.service\"]\n", "  rollout: {timeout: 200ms, poll: 20ms}\n");
    cluster.put_unit("web@.service", "v1");
    cluster.put_unit("other.service", "v1");
    cluster.declare(
        "services:\n- name: web@.service\n  count: 2\n  sequentialDeployment: true\n- name: other.service\n");
    REQUIRE(cluster.once().status == 0);
    const auto before = cluster.units();
    cluster.put_unit("web@.service", "v2");
    cluster.put_unit("other.service", "v2");
    for (const auto& [status, result] : {std::pair(4, "halted"), std::pair(6, "quarantined")}) {
        const auto ended = cluster.once();
        CHECK(ended.status == status);
        CHECK(result_of(ended) == result);
    }
    CHECK(cluster.units().at("web@2.service") == before.at("web@2.service"));
    CHECK(cluster.units().at("web@1.service") != before.at("web@1.service"));
    CHECK(cluster.units().at("other.service") != before.at("other.service"));
}

TEST_CASE("no secret of a unit file is in what any command prints, and that it changed is", "[R59]") {
    LocalCluster cluster("  refuse: [\"other.service\"]\n");
    cluster.use_blocks("log: {level: debug}\n");
    const auto unit = [](const std::string& secret) {
        return "[Service]\nEnvironment=A=1 \"DB_PASSWORD=" + secret + " " + secret +
               "\"\nExecStart=/bin/docker run -e API_KEY=" + secret + " --token=" + secret + " coco/foo\n";
    };
    const auto broken_unit = [](const std::string& secret) {
        return "[Service]\nEnvironment=\"DB_PASSWORD=" + secret + "\n" + secret + "\n";
    };
    cluster.declare("services:\n- {name: foo.service}\n- {name: other.service}\n- {name: broken.service}\n");
    cluster.put_unit("broken.service", "x");
    std::string all;
    std::string plan;
    for (const std::string secret : {"Xq7Xq7", "Zw9Zw9", "Kv3Kv3"}) {
        cluster.put("foo.service", unit(secret));
        cluster.put("other.service", unit(secret));
        cluster.put("broken.service", broken_unit(secret));
        for (const std::string command : {"validate", "plan", "once", "status", "history"}) {
            const auto text = cluster.run(command);
            const auto json = cluster.run(command, {"--output", "json"});
            all += text.out + text.err + json.out + json.err;
            if (command == "plan") plan = text.out;
        }
    }
    INFO(all);
    for (const auto* secret : {"Xq7", "Zw9", "Kv3"}) CHECK(all.find(secret) == std::string::npos);
    CHECK(plan.find("[Service] Environment: DB_PASSWORD changed") != std::string::npos);
    CHECK(plan.find("API_KEY, token changed") != std::string::npos);
}

TEST_CASE("what is as wanted and does not run is told by once, plan and status, and keeps no destroy waiting",
          "[R42]") {
    LocalCluster cluster("  never_ready: [\"idle.timer\"]\n",
                         "  destroy: true\n  rollout: {poll: 5ms, placement_grace: 1ms}\n");
    cluster.put("idle.timer", "[Timer]\nOnCalendar=01:00\n");
    cluster.put_unit("gone.service", "x");
    cluster.declare("services:\n- name: idle.timer\n- name: gone.service\n");
    CHECK(cluster.once().status == 0);
    for (int i = 0; i < 2; ++i) {
        const auto ended = cluster.once();
        CHECK(ended.status == 3);
        const auto not_ready = ended.json()->getArray("not_ready");
        REQUIRE(not_ready->size() == 1);
        CHECK(not_ready->getObject(0)->getValue<std::string>("unit") == "idle.timer");
        CHECK_FALSE(not_ready->getObject(0)->getValue<bool>("was_changed"));
    }
    CHECK(cluster.run("plan").out.find("idle.timer is as wanted, and not ready: inactive") != std::string::npos);
    CHECK(cluster.run("status").out.find("not ready    idle.timer is as wanted") != std::string::npos);
    CHECK(cluster.run("status", {"--output", "json"}).json()->getArray("not_running")->size() == 1);
    cluster.declare("services:\n- name: idle.timer\n");
    CHECK(cluster.once().status == 3);
    CHECK(cluster.names() == Names{"idle.timer"});
    REQUIRE(cluster.run("pause", {"--reason", "a test"}).status == 0);
    CHECK(cluster.once().status == 9);
}
