#include "support/change_results.hpp"

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

/// A settled World in which bar does not run until `bar_runs`, which the target's listing shows.
struct WorldWithBarDown : World {
    bool bar_runs = false;

    WorldWithBarDown() {
        settle();
        target->word = [this](const Unit& unit) { return is_down(unit) ? "inactive" : "launched"; };
        target->judge = [this](const Unit& unit, const UnitStatus& status) {
            return is_down(unit) ? UnitStatus{Readiness::unplaced, "not scheduled to a machine"} : status;
        };
        policy.rollout.placement_grace = 0ms;
        restart();
        reconciler->distrust_snapshot();
    }

private:
    [[nodiscard]] bool is_down(const Unit& unit) const { return unit.name == "bar.service" && !bar_runs; }
};

}  // namespace

TEST_CASE("a unit that the target itself does not call running is looked at once after a listing, and told", "[R42]") {
    WorldWithBarDown world;
    const auto listed = world.cycle();
    CHECK(listed.result == Outcome::degraded);
    REQUIRE(listed.not_ready.size() == 1);
    CHECK(listed.not_ready[0].text() == "bar.service is as wanted, and not ready: not scheduled to a machine");
    CHECK(world.target->calls() == std::vector<std::string>{"list", "status bar.service"});
    world.target->forget_calls();

    SECTION("an idle cycle asks nothing, and tells it all the same") {
        const auto reads = world.source->reads();
        const auto idle = world.cycle();
        CHECK(idle.result == Outcome::degraded);
        REQUIRE(idle.not_ready.size() == 1);
        CHECK(world.target->calls().empty());
        CHECK(world.source->reads() == reads);
    }
    SECTION("it is looked at again when resync_interval is over, and by a new process") {
        world.bar_runs = true;
        if (GENERATE(true, false)) {
            world.restart();
        } else {
            world.policy.resync_interval = 0ms;
            world.restart();
        }
        CHECK(world.cycle().result == Outcome::in_sync);
        CHECK(world.target->calls() == std::vector<std::string>{"status bar.service"});
        CHECK(world.cycle().not_ready.empty());
    }
    SECTION("a plan tells it too, and it keeps nobody from being destroyed") {
        world.declare("services:\n- name: bar.service\n");
        world.restart();
        CHECK(world.reconciler->preview(world.calls()).not_ready.size() == 1);
        const auto report = world.cycle();
        CHECK(report.result == Outcome::degraded);
        CHECK(world.target->names() == std::vector<std::string>{"bar.service"});
        CHECK(report.not_ready.size() == 1);
    }
    SECTION("when the target does not answer, the last answer counts") {
        world.restart();
        world.target->before = [](const std::string& call) {
            if (call.starts_with("status")) throw Error(ErrorKind::unavailable, "timed out");
        };
        const auto report = world.cycle();
        CHECK(report.result == Outcome::degraded);
        CHECK(report.not_ready.size() == 1);
    }
}

TEST_CASE("a unit that does not run is no trouble while its service is paused", "[R42]") {
    WorldWithBarDown world;
    REQUIRE(world.cycle().result == Outcome::degraded);
    SECTION("of a service that is paused it is part of the pause") {
        Orders orders;
        orders.paused[GENERATE("bar", "")] = {"2026-01-02T03:04:05Z", "moving house"};
        world.cache->documents[document_key(orders_document, world.target->identity())] = write_orders(orders);
        const auto report = world.cycle();
        CHECK(report.not_ready.size() == 1);
        CHECK(report.result == Outcome::paused);
    }
    SECTION("a pause of another service is no excuse") {
        Orders orders;
        orders.paused["foo"] = {"2026-01-02T03:04:05Z", "moving house"};
        world.cache->documents[document_key(orders_document, world.target->identity())] = write_orders(orders);
        CHECK(world.cycle().result == Outcome::degraded);
    }
}

TEST_CASE("what was just changed is on its way, and told only when that has taken too long", "[R42]") {
    World world;
    const auto is_bar = [](const Unit& unit) { return unit.name == "bar.service"; };
    world.target->word = [&](const Unit& unit) { return is_bar(unit) ? "inactive" : "launched"; };
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        return is_bar(unit) ? UnitStatus{Readiness::unplaced, "not scheduled to a machine"} : status;
    };
    world.settle();
    CHECK(world.cycle().result == Outcome::in_sync);
    world.restart();
    CHECK(world.reconciler->preview(world.calls()).not_ready.empty());
    CHECK(world.cycle().result == Outcome::in_sync);
    world.policy.rollout.placement_grace = 0ms;
    world.restart();
    CHECK(world.cycle().result == Outcome::degraded);
}

TEST_CASE("a target without such a word, or with one that its status does not bear out, gives no alarm", "[R42]") {
    World world;
    world.policy.rollout.placement_grace = 0ms;
    world.settle();
    const std::string word = GENERATE("", "active (running)");
    world.target->word = [&](const Unit&) { return std::string(word); };
    world.restart();
    world.reconciler->distrust_snapshot();
    const auto report = world.cycle();
    CHECK(report.result == Outcome::in_sync);
    CHECK(report.not_ready.empty());
    CHECK(world.target->calls().size() == (word.empty() ? 1 : 4));
    world.target->forget_calls();
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.target->calls().empty());
}
