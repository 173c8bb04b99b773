#include "support/catch.hpp"
#include "support/local_cluster.hpp"

#include <chrono>
#include <csignal>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

void declare_one(LocalCluster& cluster, const std::string& command = "v1") {
    cluster.put_unit("a.service", command);
    cluster.declare("services:\n- name: a.service\n");
}

bool says(const Program& program, const std::string& text) {
    return eventually([&] { return program.err().find(text) != std::string::npos; });
}

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
    program.send(SIGTERM);
    CHECK(program.wait() == 0);
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
    program.send(SIGTERM);
    CHECK(program.wait() == 0);
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
    CHECK(says(program, "the configuration was not taken over, the former one stays"));
    CHECK(says(program, "reconcile.interval"));
    CHECK_FALSE(program.ended());

    cluster.configure("", "  interval: 1h\n  destroy: true\n");
    program.send(SIGHUP);
    CHECK(says(program, "read the configuration"));
    cluster.put_unit("b.service", "v1");
    cluster.declare("services:\n- name: b.service\n");
    CHECK(eventually([&] { return cluster.names() == std::vector<std::string>{"b.service"}; }));
    program.send(SIGTERM);
    CHECK(program.wait() == 0);
}

TEST_CASE("a service that is broken is held and named, and goes through once it is mended", "[R17]") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    Program program({"run", "--config", cluster.config()});
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));
    cluster.put("a.service", "no unit file\n");
    CHECK(says(program, "a is held as it is"));
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

TEST_CASE("two deployers do not share a cache") {
    LocalCluster cluster("", "  interval: 1h\n");
    declare_one(cluster);
    Program first({"run", "--config", cluster.config()});
    REQUIRE(eventually([&] { return cluster.units().count("a.service") == 1; }));
    const auto second = cluster.run("run");
    CHECK(second.status == 1);
    CHECK(second.err.find(std::to_string(first.pid())) != std::string::npos);
    CHECK(cluster.run("plan").status == 0);
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
