#include "cycle/proposal.hpp"

#include "memory/standing_orders.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace deployer;

namespace {

/// A service foo that is quarantined and also paused, with three changes left.
struct Scene {
    WantedState wanted{{"r2"}, {}, {}, {}, {}};
    Ledger ledger;
    Orders orders;
    Plan plan;

    explicit Scene(Outcome outcome) {
        ledger.rollout_of("foo").quarantine = {"2026-01-02T03:04:05.123456Z", outcome, "foo@1.service failed", "q1"};
        orders.paused["foo"] = {"2026-01-03T00:00:00Z", "moving house"};
        plan.revision = wanted.revision;
        plan.standing = standing_orders(ledger, orders).still;
        plan.standing.at(0).changes = 3;
    }
};

}  // namespace

TEST_CASE("what is quarantined and paused is told in the same words, whether it halted or went back", "[R43]") {
    const auto outcome = GENERATE(Outcome::halted, Outcome::rolled_back);
    Scene scene(outcome);
    const auto report = propose(scene.plan, scene.wanted, scene.ledger);
    CHECK(report.result == Outcome::quarantined);
    REQUIRE(report.groups.size() == 1);
    CHECK(report.groups[0].service == "foo");
    CHECK(report.groups[0].outcome == Outcome::quarantined);
    CHECK(report.groups[0].detail ==
          "foo@1.service failed (" + std::string(outcome == Outcome::halted ? "halted" : "rolled back") +
              " since 2026-01-02T03:04:05Z); also paused: moving house (since 2026-01-03T00:00:00Z), 3 changes left; "
              "to try it again: coco-fleet-deployer retry foo --config FILE");
}

TEST_CASE("a cycle in which nothing moved tells what the last comparison left", "[R22][R31]") {
    Scene scene(Outcome::halted);
    scene.ledger.rollouts.clear();
    scene.ledger.applied = {"r1"};
    scene.ledger.left.destroy_disabled = 2;
    scene.ledger.notes = {"2 units left"};
    scene.ledger.not_running = {{"qux.timer", "inactive", false}};
    const auto report = propose_nothing(scene.ledger, scene.orders);
    CHECK(report.revision.id == "r1");
    CHECK(report.left == scene.ledger.left);
    CHECK(report.notes == scene.ledger.notes);
    CHECK(report.not_ready == scene.ledger.not_running);
    CHECK(report.groups ==
          std::vector<GroupOutcome>{{"foo", Outcome::paused, "moving house (since 2026-01-03T00:00:00Z)"}});
    CHECK(report.result == Outcome::degraded);
}
