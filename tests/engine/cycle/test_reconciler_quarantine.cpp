#include "support/reconciled_fleet.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("what halted is not touched again, across restarts, until it changes", "[R43]") {
    Fleet fleet;
    fleet.break_command("bad", "foo@2.service");
    fleet.release("bad");
    fleet.source->put("bar.service", unit_file("bar --new"));
    const auto report = fleet.cycle();
    CHECK(report.result == Outcome::halted);
    CHECK(group_of(report, "foo").outcome == Outcome::halted);
    CHECK(group_of(report, "bar").outcome == Outcome::applied);
    CHECK(fleet.commands() == Commands{"bad", "bad", "good"});

    fleet.target->forget_calls();
    for (int i = 0; i < 3; ++i) {
        if (i == 1) fleet.restart();
        const auto again = fleet.cycle();
        CHECK(again.result == Outcome::quarantined);
        CHECK(holds(group_of(again, "foo").detail, "foo@2.service will not become ready: exit code 1 (halted "));
    }
    CHECK(fleet.target->writes().empty());

    SECTION("a fixed version goes through by itself") {
        fleet.release("fixed");
        CHECK(fleet.cycle().result == Outcome::applied);
        CHECK(fleet.commands() == Commands{"fixed", "fixed", "fixed"});
        // The node that was down went first.
        CHECK(fleet.target->writes().front() == "apply foo@2.service");
        CHECK(fleet.cycle().result == Outcome::in_sync);
    }
    SECTION("going back to the former version does, too") {
        fleet.release("good");
        CHECK(fleet.cycle().result == Outcome::applied);
        CHECK(fleet.commands() == Commands{"good", "good", "good"});
    }
    SECTION("or until somebody has it tried again") {
        fleet.target->judge = [](const Unit&, const UnitStatus& status) { return status; };
        fleet.retry("foo");
        CHECK(fleet.cycle().result == Outcome::applied);
        CHECK(fleet.commands() == Commands{"bad", "bad", "bad"});
    }
    SECTION("once more only: if it fails again, it is quarantined again") {
        fleet.retry("foo");
        CHECK(fleet.cycle().result == Outcome::halted);
        CHECK(fleet.cycle().result == Outcome::quarantined);
    }
}

TEST_CASE("an order to try again ends the quarantine that it was given for, whatever the clock shows", "[R43]") {
    Fleet fleet;
    fleet.break_command("bad", "foo@2.service");
    fleet.release("bad");
    REQUIRE(fleet.cycle().result == Outcome::halted);
    fleet.quarantined_at(GENERATE("2026-01-02T03:04:05.123456Z", "2999-01-02T03:04:05.123456Z"));
    REQUIRE(fleet.cycle().result == Outcome::quarantined);
    fleet.retry("foo");
    CHECK(fleet.cycle().result == Outcome::halted);
    // The retry has led to a new quarantine, however old its time looks, and the order does not end that one.
    fleet.quarantined_at("1999-01-02T03:04:05.123456Z");
    CHECK(fleet.cycle().result == Outcome::quarantined);
}

TEST_CASE("what was rolled back stays as it was, across restarts, until it changes", "[R43]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.break_command("bad", "foo@3.service");
    fleet.release("bad");
    CHECK(fleet.cycle().result == Outcome::rolled_back);
    CHECK(fleet.commands() == Commands{"good", "good", "good"});
    fleet.target->forget_calls();
    for (int i = 0; i < 3; ++i) {
        if (i == 1) fleet.restart();
        CHECK(fleet.cycle().result == Outcome::quarantined);
    }
    CHECK(fleet.target->writes().empty());

    SECTION("new nodes are what the others are") {
        fleet.declare(
            "services:\n- {name: foo@.service, count: 4, sequentialDeployment: true, on_timeout: rollback}\n"
            "- name: bar.service\n");
        (void)fleet.cycle();
        CHECK(fleet.commands() == Commands{"good", "good", "good", "good"});
    }
    SECTION("a fixed version goes through by itself") {
        fleet.release("fixed");
        CHECK(fleet.cycle().result == Outcome::applied);
        CHECK(fleet.commands() == Commands{"fixed", "fixed", "fixed"});
        CHECK(fleet.cycle().result == Outcome::in_sync);
    }
}

TEST_CASE("killed at any call of a rollout, the next process ends where this one would have", "[R33][R43]") {
    const auto more = GENERATE(as<std::string>(), "", ", on_timeout: rollback");
    const auto node = GENERATE(as<std::string>(), "foo@1.service", "foo@2.service", "foo@3.service");
    CAPTURE(more, node);
    const auto finish = [&](Fleet& fleet) {
        for (int i = 0; i < 4; ++i) (void)fleet.cycle();
        CHECK(fleet.cycle().result == Outcome::quarantined);
    };
    Fleet whole(more);
    whole.break_command("bad", node);
    whole.release("bad");
    whole.target->forget_calls();
    finish(whole);
    const auto calls = whole.target->calls().size();

    for (std::size_t nth = 1; nth <= calls; ++nth) {
        Fleet fleet(more);
        fleet.break_command("bad", node);
        fleet.release("bad");
        std::atomic<std::size_t> made = 0;
        // From this call on, no call reaches the cluster, and documents written to the cache are lost.
        std::atomic<bool> dead = false;
        fleet.target->before = [&](const std::string&) {
            if (++made >= nth) dead = true;
            if (dead) throw Error(ErrorKind::internal, "killed");
        };
        fleet.cache->before = [&](const std::string&) {
            if (dead) throw Error(ErrorKind::internal, "killed");
        };
        (void)fleet.cycle();
        fleet.target->before = [](const std::string&) {};
        fleet.cache->before = [](const std::string&) {};
        fleet.restart();
        fleet.reconciler->distrust_snapshot();
        finish(fleet);
        INFO("killed at call " << nth);
        CHECK(fleet.commands() == whole.commands());
    }
}

TEST_CASE("a fix that comes while a node is waited for goes through at once", "[R44]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.policy.rollout.timeout = 1h;
    fleet.restart();
    fleet.break_command("bad", "foo@1.service", Readiness::waiting);
    fleet.release("bad");
    fleet.events->subscribe([&](const Event& event) {
        if (std::holds_alternative<WaitingForReady>(event)) fleet.release("fixed");
    });
    const auto report = fleet.cycle();
    CHECK(report.result == Outcome::superseded);
    CHECK(group_of(report, "foo").outcome == Outcome::superseded);
    CHECK(fleet.commands() == Commands{"bad", "good", "good"});
    fleet.restart();
    CHECK(fleet.cycle().result == Outcome::applied);
    CHECK(fleet.commands() == Commands{"fixed", "fixed", "fixed"});
}

TEST_CASE("what was overtaken and never seen ready is nothing to go back to", "[R43][R44]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.policy.rollout.timeout = 1h;
    fleet.restart();
    fleet.break_command("bad", "foo@1.service", Readiness::waiting);
    fleet.release("bad");
    fleet.events->subscribe([&](const Event& event) {
        if (std::holds_alternative<WaitingForReady>(event)) fleet.release("worse");
    });
    REQUIRE(fleet.cycle().result == Outcome::superseded);
    fleet.policy.rollout.timeout = 50ms;
    fleet.restart();
    fleet.break_command("worse", "foo@1.service");
    CHECK(fleet.cycle().result == Outcome::rolled_back);
    CHECK(fleet.commands() == Commands{"good", "good", "good"});
}

TEST_CASE("a newer revision that wants the same does not disturb a rollout", "[R44]") {
    Fleet fleet;
    fleet.policy.rollout.timeout = 1h;
    fleet.restart();
    std::atomic<int> checkouts_before = 0;
    std::atomic<bool> touched = false;
    fleet.release("new");
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        // The new unit is ready once the deployer has read the newer revision.
        const bool seen = touched && fleet.source->checkouts() > checkouts_before + 1;
        return is_command(unit, "new") && !seen ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    fleet.events->subscribe([&](const Event& event) {
        if (!std::holds_alternative<WaitingForReady>(event) || touched.exchange(true)) return;
        checkouts_before = fleet.source->checkouts();
        fleet.source->touch();
    });
    CHECK(fleet.cycle().result == Outcome::applied);
    CHECK(fleet.commands() == Commands{"new", "new", "new"});
}

TEST_CASE("a paused service is left as it is, shows in the plan, and goes on when the pause ends") {
    Fleet fleet;
    Orders orders;
    orders.paused["foo"] = {"2026-01-02T03:04:05Z", "moving house"};
    fleet.order(orders);
    fleet.release("new");
    fleet.source->put("bar.service", unit_file("bar --new"));
    CHECK(group_of(fleet.reconciler->preview(fleet.calls()), "foo").outcome == Outcome::paused);
    fleet.restart();
    const auto report = fleet.cycle();
    CHECK(report.result == Outcome::paused);
    CHECK(holds(group_of(report, "foo").detail, "moving house (since 2026-01-02T03:04:05Z), 3 changes left"));
    CHECK(fleet.target->writes() == std::vector<std::string>{"apply bar.service"});
    CHECK(fleet.cycle().result == Outcome::paused);

    fleet.order({});
    CHECK(fleet.cycle().result == Outcome::applied);
    CHECK(fleet.commands() == Commands{"new", "new", "new"});
}

TEST_CASE("while all is paused nothing is touched, and what nothing is left for counts as applied") {
    Fleet fleet;
    Orders orders;
    orders.paused[""] = {"2026-01-02T03:04:05Z", "moving house"};
    fleet.order(orders);
    fleet.target->forget_calls();
    CHECK(fleet.cycle().result == Outcome::paused);
    CHECK(fleet.target->calls().empty());
    fleet.release("new");
    fleet.declare("services:\n- {name: foo@.service, count: 1}\n");
    for (int i = 0; i < 3; ++i) CHECK(fleet.cycle().result == Outcome::paused);
    CHECK(fleet.target->writes().empty());
}

TEST_CASE("a rollout that is through is over also while the list is in doubt: the next way back leads to its version",
          "[R17][R43]") {
    Fleet fleet(", on_timeout: rollback");
    const auto declare = [&](int count) {
        fleet.declare("x-note: hands off\nservices:\n- {name: foo@.service, count: " + std::to_string(count) +
                      ", sequentialDeployment: true, on_timeout: rollback}\n- name: bar.service\n");
    };
    declare(3);
    fleet.release("new");
    CHECK(fleet.cycle().result == Outcome::held);
    REQUIRE(fleet.commands() == Commands{"new", "new", "new"});
    fleet.break_command("new", "foo@4.service");
    declare(4);
    (void)fleet.cycle();
    (void)fleet.cycle();
    CHECK(fleet.commands() == Commands{"new", "new", "new", "new"});
}

TEST_CASE("a unit that is gone and no longer wanted is waited for no longer, also while the list is in doubt",
          "[R17][R31][R43]") {
    Fleet fleet;
    const auto declare = [&](int count) {
        fleet.declare("x-note: hands off\nservices:\n- {name: foo@.service, count: " + std::to_string(count) +
                      ", sequentialDeployment: true}\n- name: bar.service\n");
    };
    const auto ledger = [&] {
        return read_ledger(fleet.cache->documents[document_key(ledger_document, fleet.target->identity())]).value();
    };
    fleet.target->before = [](const std::string& call) {
        if (call == "apply foo@4.service") throw Error(ErrorKind::rejected, "no such option");
    };
    declare(4);
    (void)fleet.cycle();
    REQUIRE(ledger().unproven == Commands{"foo@4.service"});
    declare(3);
    (void)fleet.cycle();
    CHECK(ledger().unproven.empty());
    CHECK(ledger().rollouts.empty());
}
