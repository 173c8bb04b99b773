#include "support/reconciled_fleet.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

/// A node with a sidekick that stops along with the node.
struct Pair : World {
    Pair() {
        source->put("foo-sidekick@.service", unit_file("tell"));
        declare(
            "services:\n- {name: foo@.service, count: 1, sequentialDeployment: true}\n- {name: foo-sidekick@.service, "
            "count: 1}\n- name: "
            "bar.service\n");
        settle();
        target->before = [this](const std::string& call) { follow(call); };
        target->judge = [this](const Unit& unit, const UnitStatus& status) {
            const bool is_down = is_launched(unit, "foo-sidekick@1.service") && !sidekick_runs;
            return is_down ? UnitStatus{Readiness::waiting, "inactive (dead)"} : status;
        };
    }

    static bool is_launched(const Unit& unit, const std::string& name) {
        return unit.name == name && unit.desired_state == DesiredState::launched;
    }
    void follow(const std::string& call) {
        if (call == "apply foo@1.service") sidekick_runs = false;
        if (call == "set foo-sidekick@1.service launched") sidekick_runs = !is_broken;
    }

    std::atomic<bool> sidekick_runs = true;
    std::atomic<bool> is_broken = false;
};

}  // namespace

TEST_CASE("a sidekick that stays down beside a healthy node is told in every cycle, and holds nothing else up",
          "[R25][R42]") {
    Pair pair;
    pair.policy.resync_interval = 0ms;
    pair.policy.rollout.placement_grace = 0ms;
    pair.health = std::make_shared<FakeHealth>();
    pair.restart();
    pair.is_broken = true;
    pair.source->put("foo@.service", unit_file("new"));
    pair.declare(
        "services:\n- {name: foo@.service, count: 1, sequentialDeployment: true, healthURL: 'http://h/'}\n"
        "- {name: foo-sidekick@.service, count: 1}\n");
    const auto report = pair.cycle();
    CHECK(pair.target->names() == std::vector<std::string>{"foo-sidekick@1.service", "foo@1.service"});
    const std::vector<NotReady> down{{"foo-sidekick@1.service", "inactive (dead)", false}};
    CHECK(report.not_ready == down);
    for (int i = 0; i < 3; ++i) {
        if (i == 2) pair.restart();
        const auto again = pair.cycle();
        CHECK(again.not_ready == down);
        CHECK(again.changes.empty());
    }
    pair.sidekick_runs = true;
    (void)pair.cycle();
    CHECK(pair.cycle().not_ready.empty());
}

TEST_CASE("a new sidekick that never came up keeps what it replaces, also when its node alone changes after that",
          "[R25]") {
    Pair pair;
    pair.health = std::make_shared<FakeHealth>();
    pair.policy.rollout.timeout = 30ms;
    pair.restart();
    pair.is_broken = true;
    pair.sidekick_runs = false;
    pair.source->put("foo-sidekick@.service", unit_file("tell --new"));
    pair.declare(
        "services:\n- {name: foo@.service, count: 1, sequentialDeployment: true, on_timeout: continue}\n"
        "- {name: foo-sidekick@.service, count: 1}\n");
    for (int i = 0; i < 3; ++i) {
        pair.source->put("foo@.service", unit_file("new " + std::to_string(i)));
        (void)pair.cycle();
        (void)pair.cycle();
        CHECK(pair.target->units().count("bar.service") == 1);
    }
}

TEST_CASE("the snapshot is gone before a unit is put to rest to be started once more", "[R33]") {
    Pair pair;
    pair.policy.rollout.timeout = 30ms;
    pair.restart();
    std::atomic<bool> starts = true;
    pair.target->judge = [&, judge = pair.target->judge](const Unit& unit, const UnitStatus& status) {
        const bool is_late = Pair::is_launched(unit, "foo@1.service") && is_command(unit, "new") && starts;
        return is_late ? UnitStatus{Readiness::waiting, "starting"} : judge(unit, status);
    };
    pair.source->put("foo@.service", unit_file("new"));
    CHECK(pair.cycle().result == Outcome::halted);
    for (int i = 0; i < 2; ++i) (void)pair.cycle();
    // A look at the node costs no listing unless a unit has been put to rest.
    pair.target->forget_calls();
    (void)pair.cycle();
    CHECK(pair.target->count("status foo@1.service") > 0);
    CHECK(pair.target->count("list") == 0);
    starts = false;
    pair.sidekick_runs = false;
    const auto snapshot = document_key(snapshot_document, pair.target->identity());
    bool had_snapshot = true;
    pair.target->before = [&, before = pair.target->before](const std::string& call) {
        if (call == "set foo-sidekick@1.service inactive") had_snapshot = pair.cache->documents.contains(snapshot);
        before(call);
    };
    (void)pair.cycle();
    CHECK(pair.target->count("set foo-sidekick@1.service inactive") > 0);
    CHECK_FALSE(had_snapshot);
}
