#include "support/reconciled_fleet.hpp"

#include <atomic>
#include <chrono>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

const std::string four_nodes = "services:\n- {name: foo@.service, count: 4, sequentialDeployment: true}\n";
const std::string five_nodes = "services:\n- {name: foo@.service, count: 5, sequentialDeployment: true}\n";

/// Four nodes of foo on four machines; no machine takes a fifth node.
struct FullCluster : World {
    FullCluster() {
        policy.rollout.placement_grace = std::chrono::milliseconds(10);
        restart();
        target->judge = [](const Unit& unit, const UnitStatus& status) {
            const bool is_there = status.readiness != Readiness::absent;
            return unit.name == "foo@5.service" && is_there ? UnitStatus{Readiness::unplaced, "not scheduled"} : status;
        };
        declare(four_nodes + "- name: bar.service\n");
        settle();
    }
    [[nodiscard]] bool has(const std::string& unit) const { return target->units().count(unit) > 0; }
};

}  // namespace

TEST_CASE("a count beyond the machines is told, keeps no other service from going, and ends when it fits again",
          "[R25][R43]") {
    FullCluster world;
    world.declare(five_nodes);
    auto report = world.cycle();
    CHECK(report.result == Outcome::degraded);
    CHECK(group_of(report, "foo").outcome == Outcome::degraded);
    CHECK(holds(group_of(report, "foo").detail, "was on no machine after 10ms: not scheduled"));
    // The destroy of bar is not delayed.
    CHECK_FALSE(world.has("bar.service"));
    SECTION("the number of nodes fits again") {
        if (GENERATE(true, false)) world.restart();
        for (int i = 0; i < 2; ++i) {
            report = world.cycle();
            CHECK(report.result == Outcome::degraded);
            REQUIRE(report.not_ready.size() == 1);
            CHECK(holds(report.not_ready[0].text(), "foo@5.service"));
        }
        world.declare(four_nodes);
        CHECK(world.cycle().result == Outcome::applied);
        CHECK_FALSE(world.has("foo@5.service"));
        CHECK(world.cycle().result == Outcome::in_sync);
    }
    SECTION("what is destroyed in a later cycle goes too, and a dry run says so") {
        world.source->put("bar.service", unit_file("bar"));
        world.declare(five_nodes + "- name: bar.service\n");
        (void)world.cycle();
        REQUIRE(world.has("bar.service"));
        world.declare(five_nodes);
        const auto preview = world.reconciler->preview(world.calls());
        REQUIRE(preview.changes.size() == 1);
        CHECK(preview.changes[0].status == ChangeStatus::planned);
        (void)world.cycle();
        CHECK_FALSE(world.has("bar.service"));
    }
    SECTION("a machine comes") {
        world.target->judge = [](const Unit&, const UnitStatus& status) { return status; };
        (void)world.cycle();
        CHECK(world.cycle().result == Outcome::in_sync);
    }
}

TEST_CASE("a new service that no machine takes keeps what it may replace", "[R25]") {
    World world;
    world.policy.rollout.placement_grace = 10ms;
    world.restart();
    world.settle();
    world.target->judge = [](const Unit& unit, const UnitStatus& status) {
        const bool is_there = status.readiness != Readiness::absent;
        return unit.name.starts_with("new") && is_there ? UnitStatus{Readiness::unplaced, "not scheduled"} : status;
    };
    world.source->put("new@.service", unit_file("bar"));
    world.declare("services:\n- {name: foo@.service, count: 2}\n- {name: new@.service, count: 2}\n");
    for (int i = 0; i < 3; ++i) {
        CHECK(world.cycle().result == Outcome::degraded);
        CHECK(world.target->units().count("bar.service") == 1);
    }
}

TEST_CASE("a machine that does not begin quarantines nothing, and when it does, all goes through by itself",
          "[R33][R43]") {
    World world;
    world.policy.rollout.timeout = 30ms;
    world.restart();
    std::string services = "services:\n";
    constexpr int count = 24;
    const auto release = [&](const std::string& command) {
        for (int i = 0; i < count; ++i) {
            world.source->put("s" + std::to_string(i) + ".service", unit_file(command));
        }
    };
    for (int i = 0; i < count; ++i) {
        services += "- {name: s" + std::to_string(i) + ".service, sequentialDeployment: true}\n";
    }
    release("good");
    world.declare(services);
    world.settle();
    std::atomic<bool> hangs = true;
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        return hangs && runs(unit, status, "new") ? UnitStatus{Readiness::pending, "not loaded yet"} : status;
    };
    release("new");
    for (int i = 0; i < 3; ++i) {
        const auto report = world.cycle();
        CHECK_FALSE(report.error);
        CHECK(report.result == Outcome::degraded);
    }
    hangs = false;
    (void)world.cycle();
    CHECK(world.cycle().result == Outcome::in_sync);
}

TEST_CASE("what fails while the target is away is started once more, and judged by that", "[R33][R43]") {
    Fleet fleet;
    fleet.policy.rollout.timeout = 300ms;
    fleet.restart();
    const bool is_content_bad = GENERATE(false, true);
    const bool ends_cycle = GENERATE(false, true);
    CAPTURE(is_content_bad, ends_cycle);
    std::atomic<bool> is_away = false;
    std::atomic<bool> has_failed = false;
    std::atomic<int> questions = 0;
    fleet.target->before = [&](const std::string& call) {
        if (call == "apply foo@1.service") is_away = has_failed = true;
        if (call == "set foo@1.service launched") has_failed = is_content_bad;
        if (!is_away || !call.starts_with("status foo@1")) return;
        // The target does not answer until the node's time is over, or it answers again before that.
        if (ends_cycle || ++questions < 3) throw Error(ErrorKind::unavailable, "etcd is away");
        is_away = false;
    };
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        const bool is_meant = unit.name == "foo@1.service" && is_command(unit, "new");
        return is_meant && has_failed ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    fleet.release("new");
    CHECK(fleet.cycle().result == (ends_cycle ? Outcome::failed : Outcome::degraded));
    is_away = false;
    CHECK(fleet.cycle().result == (is_content_bad ? Outcome::halted : Outcome::applied));
    CHECK(fleet.cycle().result == (is_content_bad ? Outcome::quarantined : Outcome::in_sync));
}

TEST_CASE("a wait that an outage ended has all its time again", "[R42][R43]") {
    Fleet fleet;
    fleet.policy.rollout.timeout = 300ms;
    fleet.restart();
    std::atomic<bool> is_away = false;
    std::atomic<int> looks = 0;
    fleet.target->before = [&](const std::string& call) {
        if (call == "apply foo@1.service") is_away = true;
        if (is_away && call == "status foo@1.service") throw Error(ErrorKind::unavailable, "etcd is away");
    };
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        const bool starts = unit.name == "foo@1.service" && is_command(unit, "new") && ++looks < 8;
        return starts ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    fleet.release("new");
    CHECK(fleet.cycle().result == Outcome::failed);
    is_away = false;
    CHECK(fleet.cycle().result == Outcome::applied);
}

TEST_CASE("a leftover of one service keeps only that service waiting", "[R5][R41]") {
    World world;
    world.source->put("left@.service", unit_file("left"));
    std::string services = "services:\n- {name: left@.service, count: 2, sequentialDeployment: true}\n";
    for (int i = 0; i < 30; ++i) {
        const auto name = "s" + std::to_string(i) + ".service";
        world.source->put(name, unit_file(name));
        services += "- name: " + name + "\n";
    }
    std::atomic<bool> is_there = true;
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        const bool is_left = is_there && unit.name == "left@1.service" && status.readiness == Readiness::absent;
        return is_left ? UnitStatus{Readiness::pending, "the old version still runs"} : status;
    };
    world.declare(services);
    const auto report = world.cycle();
    CHECK_FALSE(report.error);
    CHECK(report.result == Outcome::degraded);
    CHECK(holds(group_of(report, "left").detail, "left@1.service is there (the old version still runs)"));
    CHECK(world.target->units().size() == 30);
    is_there = false;
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->units().size() == 32);
}
