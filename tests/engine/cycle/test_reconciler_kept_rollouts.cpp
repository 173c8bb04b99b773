#include "support/reconciled_fleet.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

/// The cluster and the cache at the moment at which a process is killed.
class Moment {
public:
    explicit Moment(World& world) : world_(world) {}

    /// Keeps the moment of the first call only.
    void keep() {
        if (kept_) return;
        kept_ = true;
        documents_ = world_.cache->documents;
        units_ = world_.target->units();
    }
    /// Removes a unit from the moment, as if the target was killed between destroying and creating the unit.
    void lose(const std::string& unit) { units_.erase(unit); }

    void go_back() {
        REQUIRE(kept_);
        world_.cache->documents = documents_;
        for (const auto& name : world_.target->names()) world_.target->remove(name);
        for (const auto& [name, unit] : units_) world_.target->put(unit);
        world_.target->forget_calls();
        world_.restart();
        world_.reconciler->distrust_snapshot();
    }

private:
    World& world_;
    bool kept_ = false;
    std::map<std::string, std::string> documents_;
    std::map<std::string, Unit> units_;
};

}  // namespace

TEST_CASE("a service that is unhealthy stays quarantined, and what it replaces stays", "[R25][R42][R43]") {
    World world;
    const auto health = std::make_shared<FakeHealth>();
    world.health = health;
    world.policy.rollout.timeout = 30ms;
    world.restart();
    world.source->put("foo.service", unit_file("v1"));
    world.declare("services:\n- {name: foo.service, sequentialDeployment: true}\n- name: bar.service\n");
    world.settle();
    std::atomic<bool> is_well = false;
    health->judge = [&](const ServiceGroupRef&) {
        return HealthReport{is_well ? HealthReport::Verdict::healthy : HealthReport::Verdict::unhealthy,
                            "disk is full"};
    };
    world.source->put("foo.service", unit_file("v2"));
    world.declare("services:\n- {name: foo.service, sequentialDeployment: true}\n");
    CHECK(world.cycle().result == Outcome::halted);
    for (int i = 0; i < 3; ++i) {
        const auto report = world.cycle();
        CHECK(report.result == Outcome::quarantined);
        REQUIRE(report.not_ready.size() == 1);
        CHECK(report.not_ready[0].detail == "health check: disk is full");
    }
    CHECK(world.target->units().count("bar.service") == 1);
    // The service becomes healthy later, for it only took longer.
    is_well = true;
    (void)world.cycle();
    (void)world.cycle();
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.target->units().count("bar.service") == 0);
}

TEST_CASE("what a rolled back revision no longer wants stays, for the former one may need it", "[R25][R43]") {
    World world;
    const std::string nodes = three_nodes + ", on_timeout: rollback}\n";
    world.source->put("foo-sidekick@.service", unit_file("sidekick"));
    world.source->put("foo@.service", unit_file("v1"));
    world.declare(nodes + "- {name: foo-sidekick@.service, count: 3}\n- name: bar.service\n");
    world.settle();
    world.target->judge = [](const Unit& unit, const UnitStatus& status) {
        return runs(unit, status, "v2") ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    world.source->put("foo@.service", unit_file("v2"));
    world.declare(nodes);
    CHECK(world.cycle().result == Outcome::rolled_back);
    const auto before = world.target->names();
    REQUIRE(before.size() == 7);
    for (int i = 0; i < 2; ++i) CHECK(world.cycle().result == Outcome::quarantined);
    CHECK(world.target->names() == before);
}

TEST_CASE("a rollout that was overtaken in between goes back as a whole", "[R43][R44]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.policy.rollout.timeout = 300ms;
    fleet.restart();
    std::atomic<bool> overtaken = false;
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        if (unit.name != "foo@3.service" || !is_command(unit, "bad")) return status;
        if (!overtaken.exchange(true)) fleet.source->put("bar.service", unit_file("bar --new"));
        return UnitStatus{Readiness::waiting, "starting"};
    };
    fleet.release("bad");
    CHECK(fleet.cycle().result == Outcome::superseded);
    REQUIRE(fleet.commands() == Commands{"bad", "bad", "bad"});
    CHECK(fleet.cycle().result == Outcome::rolled_back);
    CHECK(fleet.commands() == Commands{"good", "good", "good"});
}

TEST_CASE("with continue, too, a node that was coming up when the deployer was killed is waited for", "[R33][R43]") {
    Fleet fleet(", on_timeout: continue");
    Moment killed(fleet);
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        if (unit.name != "foo@1.service" || !is_command(unit, "bad")) return status;
        killed.keep();
        return UnitStatus{Readiness::waiting, "starting"};
    };
    fleet.release("bad");
    (void)fleet.cycle();
    killed.go_back();
    int looks = 0;
    fleet.target->before = [&](const std::string& call) {
        if (call == "status foo@1.service") ++looks;
        if (call == "apply foo@2.service") CHECK(looks > 1);
    };
    const auto report = fleet.cycle();
    CHECK(report.result == Outcome::degraded);
    CHECK(fleet.commands() == Commands{"bad", "bad", "bad"});
    CHECK(fleet.cycle().result == Outcome::quarantined);
}

TEST_CASE("a node that was coming up is waited for though its sidekick is to go", "[R33][R41]") {
    World world;
    world.policy.rollout.timeout = 30ms;
    world.restart();
    world.source->put("foo@.service", unit_file("v1"));
    world.source->put("foo-sidekick@.service", unit_file("sidekick"));
    world.declare(three_nodes + "}\n- {name: foo-sidekick@.service, count: 3}\n");
    world.settle();
    Moment killed(world);
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        if (unit.name != "foo@1.service" || !is_command(unit, "v2")) return status;
        killed.keep();
        return UnitStatus{Readiness::waiting, "starting"};
    };
    world.source->put("foo@.service", unit_file("v2"));
    world.declare(three_nodes + "}\n");
    (void)world.cycle();
    killed.go_back();
    CHECK(world.cycle().result == Outcome::halted);
    CHECK(world.target->writes().empty());
}

TEST_CASE("what is not to run is not asked for its health", "[R42]") {
    World world;
    const auto health = std::make_shared<FakeHealth>();
    world.health = health;
    world.restart();
    world.source->put("foo@.service", unit_file("v1"));
    world.declare(three_nodes + "}\n");
    world.settle();
    health->judge = [](const ServiceGroupRef&) {
        return HealthReport{HealthReport::Verdict::unhealthy, "connection refused"};
    };
    world.declare(three_nodes + ", desiredState: inactive}\n");
    CHECK(world.cycle().result == Outcome::applied);
}

TEST_CASE("killed between destroying and creating a unit, the new content is judged all the same", "[R33][R43]") {
    const auto nodes = GENERATE(1, 3);
    World world;
    const auto name = nodes == 1 ? std::string("foo.service") : std::string("foo@1.service");
    const auto file = nodes == 1 ? "foo.service" : "foo@.service";
    world.source->put(file, unit_file("v1"));
    world.declare(nodes == 1 ? "services:\n- {name: foo.service, sequentialDeployment: true, on_timeout: rollback}\n"
                             : three_nodes + ", on_timeout: rollback}\n");
    world.settle();
    world.target->judge = [](const Unit& unit, const UnitStatus& status) {
        return runs(unit, status, "v2") ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    Moment killed(world);
    world.target->before = [&](const std::string& call) {
        if (call == "apply " + name) killed.keep();
    };
    world.source->put(file, unit_file("v2"));
    (void)world.cycle();
    killed.lose(name);
    killed.go_back();
    (void)world.cycle();
    (void)world.cycle();
    CHECK(world.cycle().result == Outcome::quarantined);
    for (const auto& [unit_name, unit] : world.target->units()) {
        INFO(unit_name);
        CHECK(is_command(unit, "v1"));
    }
}

TEST_CASE("the good version is not forgotten when the way back to it is cut off and a worse one comes", "[R43][R44]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.target->judge = [](const Unit& unit, const UnitStatus& status) {
        const bool broken = unit.name == "foo@1.service" && !is_command(unit, "good");
        return broken ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    std::atomic<int> applied = 0;
    fleet.target->before = [&](const std::string& call) {
        if (call == "apply foo@1.service" && ++applied == 2) throw Error(ErrorKind::unavailable, "fleet is away");
    };
    fleet.release("bad");
    (void)fleet.cycle();
    REQUIRE(fleet.commands() == Commands{"bad", "good", "good"});
    fleet.release("worse");
    CHECK(fleet.cycle().result == Outcome::rolled_back);
    CHECK(fleet.commands() == Commands{"good", "good", "good"});
}

TEST_CASE("a unit that is created again has all its time again", "[R42]") {
    World world;
    world.policy.rollout.timeout = 400ms;
    world.policy.interval = 20ms;
    world.restart();
    const std::string without = "services:\n- name: bar.service\n";
    const std::string with = "services:\n- {name: foo@.service, count: 2, canary: true}\n- name: bar.service\n";
    world.declare(without);
    world.settle();
    std::atomic<bool> comes_up = false;
    std::atomic<int> looks = 0;
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        if (!runs(unit, status, "foo")) return status;
        if (++looks == 1 && !comes_up) world.declare(without);
        return comes_up && looks > 5 ? status : UnitStatus{Readiness::waiting, "starting"};
    };
    const auto begin = std::chrono::steady_clock::now();
    world.declare(with);
    REQUIRE(world.cycle().result == Outcome::superseded);
    for (int i = 0; i < 3; ++i) (void)world.cycle();
    REQUIRE(world.target->names() == std::vector<std::string>{"bar.service"});
    // Until the time of the first wait is over.
    std::this_thread::sleep_until(begin + 450ms);
    comes_up = true;
    looks = 0;
    world.declare(with);
    CHECK(world.cycle().result == Outcome::applied);
}

TEST_CASE("what failed is started once more when somebody has it tried again", "[R43]") {
    Fleet fleet;
    std::atomic<bool> cause = true;
    std::map<std::string, bool> failed;
    fleet.target->before = [&](const std::string& call) {
        if (call.rfind("apply ", 0) == 0) failed[call.substr(6)] = cause;
        if (call == "set foo@1.service launched") failed["foo@1.service"] = cause;
    };
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        return is_command(unit, "bad") && failed[unit.name] ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    fleet.release("bad");
    CHECK(fleet.cycle().result == Outcome::halted);
    cause = false;
    fleet.retry("foo");
    CHECK(fleet.cycle().result == Outcome::applied);
    CHECK(fleet.commands() == Commands{"bad", "bad", "bad"});
}

TEST_CASE("a way back that does not come up either is looked at, and not waited for in every cycle", "[R43]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.target->judge = [](const Unit& unit, const UnitStatus& status) {
        return unit.name == "foo@1.service" ? UnitStatus{Readiness::waiting, "database is away"} : status;
    };
    fleet.release("bad");
    CHECK(fleet.cycle().result == Outcome::halted);
    (void)fleet.cycle();
    fleet.target->forget_calls();
    CHECK(fleet.cycle().result == Outcome::quarantined);
    CHECK(fleet.target->calls() == std::vector<std::string>{"status foo@1.service"});
}

TEST_CASE("a pause in the middle of a rollout forgets nothing of it", "[R43]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.policy.rollout.timeout = 2s;
    fleet.restart();
    Orders orders;
    orders.paused["foo"] = {"2026-01-02T03:04:05Z", "let me see"};
    std::atomic<bool> is_up = false;
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) -> UnitStatus {
        if (!is_command(unit, "bad")) return status;
        if (unit.name == "foo@3.service") return {Readiness::failed, "exit code 1"};
        if (unit.name == "foo@2.service" && !is_up) return {Readiness::waiting, "starting"};
        return status;
    };
    // Only the reconciler's thread may use the cache, so a person's command runs between two calls of the reconciler.
    fleet.cache->before = [&](const std::string& call) {
        if (call == "load orders" && fleet.commands() == Commands{"bad", "bad", "good"}) fleet.order(orders);
    };
    fleet.release("bad");
    CHECK(fleet.cycle().result == Outcome::superseded);
    fleet.cache->before = [](const std::string&) {};
    is_up = true;
    for (int i = 0; i < 2; ++i) CHECK(fleet.cycle().result == Outcome::paused);
    fleet.order({});
    CHECK(fleet.cycle().result == Outcome::rolled_back);
    CHECK(fleet.commands() == Commands{"good", "good", "good"});
}

TEST_CASE("with continue, an interruption does not leave the rest of the nodes behind", "[R43][R44]") {
    Fleet fleet(", on_timeout: continue");
    fleet.policy.rollout.timeout = 2s;
    fleet.restart();
    std::atomic<bool> overtaken = false;
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) -> UnitStatus {
        if (!is_command(unit, "bad")) return status;
        if (unit.name == "foo@1.service") return {Readiness::failed, "exit code 1"};
        if (unit.name != "foo@2.service" || overtaken) return status;
        fleet.source->put("bar.service", unit_file("bar --new"));
        return {Readiness::waiting, "starting"};
    };
    fleet.release("bad");
    const auto first = fleet.cycle();
    CHECK(first.result == Outcome::superseded);
    CHECK(first.overtaken);
    overtaken = true;
    CHECK(fleet.cycle().result == Outcome::degraded);
    CHECK(fleet.commands() == Commands{"bad", "bad", "bad"});
    CHECK(fleet.cycle().result == Outcome::quarantined);
}

TEST_CASE("what is quarantined and cannot be looked at keeps nothing else from going on", "[R43]") {
    Fleet fleet;
    fleet.break_command("bad", "foo@1.service");
    fleet.release("bad");
    REQUIRE(fleet.cycle().result == Outcome::halted);
    fleet.target->before = [](const std::string& call) {
        if (call == "status foo@1.service") throw Error(ErrorKind::unavailable, "no answer in time");
    };
    fleet.source->put("bar.service", unit_file("bar --new"));
    const auto report = fleet.cycle();
    CHECK_FALSE(report.error);
    CHECK(group_of(report, "bar").outcome == Outcome::applied);
    CHECK(report.not_ready.size() == 1);
}

TEST_CASE("the health of a service is asked by one at a time, which keeps no other service waiting",
          "[R8][R42][concurrent]") {
    World world;
    const auto health = std::make_shared<FakeHealth>();
    world.health = health;
    world.restart();
    std::string services = "services:\n- {name: foo@.service, count: 8}\n- {name: quick.service}\n";
    world.source->put("quick.service", unit_file("quick"));
    world.declare(services + "- name: bar.service\n");
    world.settle();
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
    std::atomic<bool> quick_was_asked = false;
    health->judge = [&](const ServiceGroupRef& group) {
        if (group.service != "foo") {
            quick_was_asked = true;
            return HealthReport{HealthReport::Verdict::healthy, {}};
        }
        most = std::max(most.load(), ++now);
        // The first question gets its answer only after another service was asked meanwhile.
        for (int i = 0; i < 5'000 && !quick_was_asked; ++i) std::this_thread::sleep_for(1ms);
        --now;
        return HealthReport{quick_was_asked ? HealthReport::Verdict::healthy : HealthReport::Verdict::unhealthy,
                            "late"};
    };
    // A unit to destroy makes the rollout wait for all other units.
    world.source->put("foo@.service", unit_file("new"));
    world.source->put("quick.service", unit_file("new"));
    world.declare(services);
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(most == 1);
}

TEST_CASE("killed while a new sequential service is created, it is created as it would have been", "[R33][R41]") {
    World world;
    world.policy.rollout.timeout = 30ms;
    world.restart();
    world.settle();
    world.source->put("new@.service", unit_file("new"));
    world.target->judge = [](const Unit& unit, const UnitStatus& status) {
        return runs(unit, status, "new") ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    Moment killed(world);
    world.target->before = [&](const std::string& call) {
        if (call == "apply new@1.service") return;
        if (call.rfind("apply new@", 0) == 0 && world.target->units().contains("new@1.service")) killed.keep();
    };
    world.policy.rollout.parallelism = 1;
    world.restart();
    world.declare(
        "services:\n- name: foo@.service\n  count: 2\n- name: bar.service\n"
        "- {name: new@.service, count: 3, sequentialDeployment: true}\n");
    CHECK(world.cycle().result == Outcome::applied);
    killed.go_back();
    REQUIRE(world.target->units().size() == 4);
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->units().size() == 6);
    CHECK(world.cycle().result == Outcome::in_sync);
}

TEST_CASE("what a rolled back service has too much of is counted and told", "[R43]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.break_command("bad", "foo@1.service");
    fleet.release("bad");
    REQUIRE(fleet.cycle().result == Outcome::rolled_back);
    fleet.declare(
        "services:\n- {name: foo@.service, count: 2, sequentialDeployment: true, on_timeout: rollback}\n"
        "- name: bar.service\n");
    const auto report = fleet.cycle();
    REQUIRE(report.notes.size() == 1);
    CHECK(holds(report.notes[0], "1 unit of foo no longer wanted, left running: it was rolled back"));
}
