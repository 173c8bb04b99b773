#include "support/change_results.hpp"

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("an old name stays until the new one is ready, however many cycles and restarts that takes",
          "[R25][R31][R33]") {
    World world;
    world.policy.rollout.timeout = 10ms;
    world.restart();
    world.settle();
    world.source->put("new-bar.service", unit_file("bar"));
    world.declare("services:\n- name: foo@.service\n  count: 2\n- name: new-bar.service\n");
    bool is_ready = false;
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        return unit.name == "new-bar.service" && !is_ready ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    const bool stopped_while_waiting = GENERATE(true, false);
    world.events->subscribe([&](const Event& event) {
        if (stopped_while_waiting && std::holds_alternative<WaitingForReady>(event)) world.stop.request_stop();
    });
    CHECK(result_of(world.cycle(), "bar.service").status == ChangeStatus::skipped);
    world.stop = std::stop_source();
    for (int i = 0; i < 3; ++i) {
        if (i == 1) world.restart();
        const auto again = world.cycle();
        CHECK(again.result == Outcome::degraded);
        CHECK(result_of(again, "bar.service").status == ChangeStatus::skipped);
        CHECK(result_of(again, "bar.service").error ==
              "not begun: new-bar.service, changed by an earlier cycle, is not ready");
        REQUIRE(again.not_ready.size() == 1);
        CHECK(again.not_ready.front() == NotReady{"new-bar.service", "starting"});
        CHECK(world.target->units().count("bar.service") == 1);
    }
    SECTION("and goes when it is") {
        is_ready = true;
        CHECK(world.cycle().result == Outcome::applied);
        CHECK(world.target->units().count("bar.service") == 0);
    }
    SECTION("and is itself wanted again when the change is taken back") {
        world.declare("services:\n- name: foo@.service\n  count: 2\n- name: bar.service\n");
        CHECK(world.cycle().result == Outcome::applied);
        CHECK(world.target->names() == all_names);
        CHECK(world.cycle().result == Outcome::in_sync);
    }
}

TEST_CASE("a sequential service whose last node is not ready is not applied until it is", "[R31][R41]") {
    World world;
    world.policy.rollout.timeout = 10ms;
    world.restart();
    world.declare("services:\n- name: foo@.service\n  count: 2\n  sequentialDeployment: true\n- name: bar.service\n");
    world.settle();
    world.source->put("foo@.service", unit_file("foo --new"));
    bool is_ready = false;
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        const bool broken = unit.name == "foo@2.service" && unit.options[0].value == "/bin/foo --new" && !is_ready;
        return broken ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    CHECK(world.cycle().result == Outcome::halted);
    (void)world.cycle();
    world.target->forget_calls();
    CHECK(world.cycle().result == Outcome::quarantined);
    CHECK(world.target->calls() == std::vector<std::string>{"status foo@2.service"});
    is_ready = true;
    CHECK(world.cycle().result == Outcome::quarantined);
    CHECK(world.cycle().result == Outcome::in_sync);
    world.target->forget_calls();
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.target->calls().empty());
}

TEST_CASE("a listing is compared however the cycle that made it ended", "[R32][R33]") {
    World world;
    world.settle();
    for (const auto& name : all_names) world.target->remove(name);
    world.restart();
    world.reconciler->distrust_snapshot();
    world.source->put("services.yaml", "services: [");
    CHECK(world.cycle().result == Outcome::failed);
    if (GENERATE(true, false)) world.restart();
    world.declare("services:\n- name: foo@.service\n  count: 2\n- name: bar.service\n");
    world.reconciler->distrust_snapshot();
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->names() == all_names);
}

TEST_CASE("a snapshot that could not be replaced is not believed later", "[R30][R32]") {
    World world;
    world.settle();
    for (const auto& name : all_names) world.target->remove(name);
    world.restart();
    world.reconciler->distrust_snapshot();
    world.cache->before = [](const std::string& call) {
        if (call.rfind("load", 0) != 0) throw Error(ErrorKind::unavailable, "read-only file system");
    };
    CHECK(world.cycle().result == Outcome::failed);
    CHECK(world.cycle().result == Outcome::failed);
    CHECK(world.target->names().empty());
    world.cache->before = [](const std::string&) {};
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->names() == all_names);
}

TEST_CASE("while destroys wait for a held service, the target is left in peace and the history keeps still", "[R25]") {
    World world;
    world.settle();
    world.declare("services:\n- name: foo@.service\n  count: 2\n- name: new-bar.service\n");
    std::vector<std::string> told;
    world.events->subscribe([&](const Event& event) {
        if (const auto* ended = std::get_if<ChangeEnded>(&event)) told.push_back(ended->result.error);
    });
    (void)world.cycle();
    CHECK(told == std::vector<std::string>{"not begun: new-bar is held and not running yet"});
    world.target->forget_calls();
    world.cache->calls.clear();
    CHECK(world.cycle().result == Outcome::degraded);
    CHECK(world.target->calls().empty());
    CHECK(world.cache->calls == std::vector<std::string>{"load orders"});
}

TEST_CASE("drift is only reported, also while something is owed", "[R33]") {
    World world;
    world.settle();
    world.policy.drift = Drift::report;
    world.policy.resync_interval = 0ms;
    world.restart();
    world.source->remove("foo@.service");
    CHECK(world.cycle().result == Outcome::held);
    world.target->remove("bar.service");
    for (int i = 0; i < 3; ++i) CHECK(world.cycle().result == Outcome::held);
    CHECK(world.target->writes().empty());
}

TEST_CASE("a plan believes the snapshot no more than the cycle would", "[R20][R32]") {
    World world;
    world.settle();
    world.target->remove("bar.service");
    world.restart();
    CHECK(world.reconciler->preview(world.calls()).changes.empty());
    world.reconciler->distrust_snapshot();
    CHECK(world.reconciler->preview(world.calls()).changes.size() == 1);
}
