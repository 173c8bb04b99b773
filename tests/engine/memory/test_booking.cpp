#include "memory/booking.hpp"

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace deployer;

namespace {

using Names = std::vector<std::string>;

SharedContent version(const std::string& name) {
    return make_content({{"Service", "ExecStart", "/bin/" + name}});
}

DeployedUnit deployed(const std::string& unit, const std::string& content) {
    return {unit, version(content), DesiredState::launched};
}

WantedState wanted_foo(const std::string& content) {
    WantedState wanted{{"r2"}, {}, {}, {}, {}};
    for (const auto* unit : {"foo@1.service", "foo@2.service"}) {
        wanted.units.push_back({unit, version(content), DesiredState::launched});
    }
    return wanted;
}

std::string digest_of_foo(const std::string& content) {
    return group_digests(wanted_foo(content))["foo"];
}

Change update(const std::string& unit, const std::string& from, const std::string& to) {
    Change change;
    change.kind = ChangeKind::update;
    change.unit = unit;
    change.service = "foo";
    change.former = version(from);
    change.content = version(to);
    return change;
}

Change destroy(const std::string& unit) {
    Change change;
    change.kind = ChangeKind::destroy_group;
    change.unit = unit;
    change.service = "bar";
    change.former = version("bar");
    return change;
}

Plan plan_of(std::vector<Change> changes) {
    Plan plan;
    plan.revision = {"r2"};
    plan.changes = std::move(changes);
    return plan;
}

Names names_of(const std::vector<DeployedUnit>& units) {
    Names names;
    for (const auto& unit : units) names.push_back(unit.name);
    return names;
}

/// A cycle that wanted two nodes of foo with the content "new", and its report.
struct Cycle {
    WantedState wanted = wanted_foo("new");
    Plan plan = plan_of({update("foo@1.service", "old", "new"), update("foo@2.service", "old", "new")});
    CycleReport report = report_of(plan, wanted);
    UnprovenBefore before;
    std::string fingerprint = "f1";
    Ledger ledger;

    Cycle() {
        ledger.applied = {"r1"};
        ledger.attempted = {"r2"};
    }

    void end(std::size_t change, ChangeStatus status) {
        report.changes[change].status = status;
        report.changes[change].is_made = status == ChangeStatus::done;
    }
    void end_all_well() {
        for (std::size_t i = 0; i < report.changes.size(); ++i) end(i, ChangeStatus::done);
    }
    void add(Change change) {
        plan.changes.push_back(change);
        report.changes.push_back({std::move(change), ChangeStatus::planned, {}});
    }
    void make_unproven(const Names& units) {
        for (const auto& unit : units) ledger.add_unproven(unit);
        before.units = ledger.unproven;
    }
    Ledger book() {
        report.result = conclude(report);
        return book_cycle(ledger, {plan, wanted, report, before, fingerprint, "2026-01-02T03:04:05.678901Z"});
    }
};

}  // namespace

TEST_CASE("before its first change a revision is attempted, and no longer applied", "[R31]") {
    Ledger ledger;
    ledger.applied = {GENERATE("r1", "r2")};
    const bool is_same = ledger.applied.id == "r2";
    const auto booked = book_attempt(ledger, plan_of({destroy("bar.service")}), wanted_foo("new"), {});
    CHECK(booked.attempted.id == "r2");
    CHECK(booked.applied.id == (is_same ? "" : "r1"));
    CHECK(booked.unproven.empty());
    CHECK(booked.rollouts.empty());
}

TEST_CASE("units that are waited for are unproven from before their change on", "[R25][R31]") {
    const auto plan = plan_of({update("foo@2.service", "old", "new"), update("foo@1.service", "old", "new")});
    const auto booked = book_attempt({}, plan, wanted_foo("new"), {{"foo", false, false, {0, 1}, {0}}});
    CHECK(booked.unproven == Names{"foo@2.service"});
    CHECK(booked.rollouts.empty());
}

TEST_CASE("what the units of a service go back to is known before they are changed", "[R43]") {
    const auto plan = plan_of({update("foo@1.service", "old", "new"), update("foo@2.service", "old", "new")});
    const Attempt attempt{"foo", true, true, {0, 1}, {0, 1}};
    const auto first = book_attempt({}, plan, wanted_foo("new"), {attempt});
    REQUIRE(first.rollouts.size() == 1);
    const auto& record = first.rollouts[0];
    CHECK(record.service == "foo");
    CHECK(record.digest == digest_of_foo("new"));
    CHECK(record.fresh);
    CHECK(names_of(record.former) == Names{"foo@1.service", "foo@2.service"});
    CHECK(record.former[0].content->digest == version("old")->digest);

    SECTION("an attempt at the same content again takes nothing of that content for the former version") {
        auto before = first;
        before.keep_unproven({"foo@2.service"});
        const auto again = plan_of({update("foo@1.service", "half", "new")});
        const auto second = book_attempt(before, again, wanted_foo("new"), {{"foo", true, true, {0}, {0}}});
        CHECK(second.rollouts == first.rollouts);
    }
    SECTION("for another content, a unit that was never seen ready is nothing to go back to, and any other one is") {
        auto before = first;
        before.keep_unproven({"foo@2.service"});
        const auto other = plan_of({update("foo@1.service", "new", "third"), update("foo@2.service", "new", "third")});
        const auto second = book_attempt(before, other, wanted_foo("third"), {{"foo", false, true, {0, 1}, {0, 1}}});
        REQUIRE(second.rollouts.size() == 1);
        for (const auto& unit : second.rollouts[0].former) {
            INFO(unit.name);
            CHECK(unit.content->digest == version(unit.name == "foo@1.service" ? "new" : "old")->digest);
        }
        CHECK_FALSE(second.rollouts[0].fresh);
        CHECK(second.rollouts[0].digest == digest_of_foo("third"));
    }
    SECTION("a unit that is created has nothing to go back to") {
        auto create = update("foo@3.service", "", "new");
        create.kind = ChangeKind::add_node;
        create.former = nullptr;
        const auto booked = book_attempt({}, plan_of({create}), wanted_foo("new"), {{"foo", false, true, {0}, {}}});
        CHECK(booked.rollouts[0].former.empty());
    }
}

TEST_CASE("a verdict quarantines the content, and only a rollback needs what was before", "[R43]") {
    const auto outcome = GENERATE(Outcome::halted, Outcome::rolled_back, Outcome::degraded);
    Ledger ledger;
    ledger.rollout_of("foo").former = {deployed("foo@1.service", "old")};
    const Quarantine quarantine{"2026-01-02T03:04:05.678901Z", outcome, "foo@1.service failed", "q1"};
    const auto booked = book_verdict(ledger, "foo", quarantine, wanted_foo("new"));
    REQUIRE(booked.rollouts.size() == 1);
    CHECK(booked.rollouts[0].digest == digest_of_foo("new"));
    CHECK(booked.rollouts[0].quarantine == quarantine);
    CHECK(booked.rollouts[0].former.size() == (outcome == Outcome::rolled_back ? 1 : 0));
}

TEST_CASE("a revision is applied when all that it asked for ended well", "[R31]") {
    Cycle cycle;
    cycle.end_all_well();
    cycle.report.notes = {"1 unit left"};
    cycle.report.left.protected_units = 1;
    const auto booked = cycle.book();
    CHECK(booked.applied.id == "r2");
    CHECK(booked.attempted.id == "r2");
    CHECK(booked.fingerprint == "f1");
    CHECK(booked.left == cycle.report.left);
    CHECK(booked.notes == cycle.report.notes);
}

TEST_CASE("a revision of which anything is still to do is owed, also one that was applied before", "[R31]") {
    Cycle cycle;
    cycle.end_all_well();
    SECTION("a change failed") {
        cycle.end(1, ChangeStatus::failed);
    }
    SECTION("the cycle ended early") {
        cycle.report.error = Error(ErrorKind::unavailable, "timed out");
    }
    SECTION("a unit that an earlier cycle changed is not ready") {
        cycle.report.not_ready = {{"qux.service", "activating"}};
    }
    SECTION("a service is held") {
        cycle.report.held = {{"qux", "qux.service: line 3"}};
    }
    SECTION("a service is quarantined") {
        set_outcome(cycle.report, {"qux", Outcome::quarantined, "failed"});
    }
    SECTION("a destroy is disputed") {
        cycle.report.left.disputed = 1;
    }
    SECTION("a pause leaves changes") {
        cycle.plan.standing = {{"", Outcome::paused, "moving house", 3}};
        set_outcome(cycle.report, {"", Outcome::paused, "moving house, 3 changes left"});
    }
    CHECK(cycle.book().applied.id == "r1");
    cycle.ledger.applied = {"r2"};
    CHECK(cycle.book().applied.empty());
}

TEST_CASE("what no further comparison of the same revision would change is not owed", "[R24][R31]") {
    Cycle cycle;
    cycle.end_all_well();
    SECTION("destroys that the limit stopped") {
        cycle.report.left.max_destroy = 7;
    }
    SECTION("a unit that the target alters") {
        cycle.report.left.altered = 1;
    }
    SECTION("a unit that is as wanted and does not run") {
        cycle.report.not_ready = {{"qux.timer", "inactive", false}};
    }
    SECTION("a pause that leaves nothing") {
        cycle.plan.standing = {{"qux", Outcome::paused, "moving house"}};
        set_outcome(cycle.report, {"qux", Outcome::paused, "moving house"});
    }
    CHECK(cycle.book().applied.id == "r2");
}

TEST_CASE("a unit is unproven until a cycle has seen it ready", "[R25][R31]") {
    Cycle cycle;
    cycle.make_unproven({"foo@1.service", "foo@2.service", "qux.service"});
    SECTION("all were seen ready") {
        cycle.end_all_well();
        CHECK(cycle.book().unproven.empty());
    }
    SECTION("what was put back was seen ready as it was") {
        cycle.end(0, ChangeStatus::rolled_back);
        cycle.end(1, ChangeStatus::done);
        CHECK(cycle.book().unproven.empty());
    }
    SECTION("one failed, one was no longer waited for, one was looked at in vain") {
        cycle.end(0, ChangeStatus::failed);
        cycle.end(1, ChangeStatus::superseded);
        cycle.report.not_ready = {{"qux.service", "activating"}};
        CHECK(cycle.book().unproven == Names{"foo@1.service", "foo@2.service", "qux.service"});
    }
    SECTION("a unit that does not run for whatever other reason is none") {
        cycle.end_all_well();
        cycle.report.not_ready = {{"qux.service", "inactive", false}};
        CHECK(cycle.book().unproven.empty());
    }
    SECTION("one that was skipped is what it was before the cycle") {
        cycle.end(0, ChangeStatus::skipped);
        cycle.end(1, ChangeStatus::skipped);
        cycle.before.units = {"foo@1.service"};
        CHECK(cycle.book().unproven == Names{"foo@1.service"});
    }
}

TEST_CASE("an unproven unit that is gone is remembered while its service is left alone", "[R33][R43]") {
    Cycle cycle;
    cycle.end_all_well();
    cycle.ledger.add_unproven("qux.service");
    cycle.before = unproven_before(cycle.ledger, {{deployed("foo@1.service", "old")}});
    CHECK(cycle.before.units == Names{"qux.service"});
    CHECK(cycle.before.missing == Names{"qux.service"});
    CHECK(unproven_before(cycle.ledger, {{deployed("qux.service", "old")}}).missing.empty());
    SECTION("it is not") {
        CHECK(cycle.book().unproven.empty());
    }
    SECTION("it is paused") {
        cycle.plan.standing = {{GENERATE("qux", ""), Outcome::paused, "moving house"}};
        CHECK(cycle.book().unproven == Names{"qux.service"});
    }
    SECTION("it is held") {
        cycle.plan.held = {{"qux", "qux.service: line 3"}};
        CHECK(cycle.book().unproven == Names{"qux.service"});
    }
    SECTION("the list is in doubt, and does not name it") {
        cycle.plan.held = {{"", "no name", false, true}};
        CHECK(cycle.book().unproven == Names{"qux.service"});
    }
    SECTION("the list is in doubt, and names it") {
        cycle.plan.held = {{"", "no name", false, true}};
        cycle.wanted.units.push_back({"qux.service", version("qux"), DesiredState::launched});
        CHECK(cycle.book().unproven.empty());
    }
}

TEST_CASE("a rollout is remembered until its service is through", "[R43]") {
    Cycle cycle;
    cycle.ledger.rollout_of("foo").former = {deployed("foo@1.service", "old")};
    cycle.end_all_well();
    SECTION("it is through") {
        CHECK(cycle.book().rollouts.empty());
    }
    SECTION("it is through, though destroys of another service are not") {
        cycle.add(destroy("bar.service"));
        cycle.end(2, ChangeStatus::skipped);
        CHECK(cycle.book().rollouts.empty());
    }
    SECTION("a change is left") {
        cycle.end(1, ChangeStatus::skipped);
        CHECK(cycle.book().rollouts.size() == 1);
    }
    SECTION("a unit of it is unproven") {
        cycle.make_unproven({"foo@2.service"});
        cycle.report.not_ready = {{"foo@2.service", "activating"}};
        CHECK(cycle.book().rollouts.size() == 1);
    }
    SECTION("it is paused in between") {
        cycle.plan.standing = {{"foo", Outcome::paused, "moving house", 2}};
        CHECK(cycle.book().rollouts.size() == 1);
    }
    SECTION("it is quarantined, and something is left to do") {
        cycle.ledger.rollout_of("foo").quarantine = Quarantine{};
        cycle.plan.standing = {{"foo", Outcome::quarantined, "failed", 1}};
        CHECK(cycle.book().rollouts.size() == 1);
    }
    SECTION("it is quarantined, and came through all the same") {
        cycle.ledger.rollout_of("foo").quarantine = Quarantine{};
        cycle.plan.standing = {{"foo", Outcome::quarantined, "failed", 0}};
        CHECK(cycle.book().rollouts.empty());
    }
}

TEST_CASE("a cycle that did something is an entry of the history, in seconds", "[R31]") {
    Cycle cycle;
    cycle.end_all_well();
    set_outcome(cycle.report, {"foo", Outcome::applied, {}});
    set_outcome(cycle.report, {"qux", Outcome::paused, "moving house"});
    const auto booked = cycle.book();
    REQUIRE(booked.history.size() == 1);
    CHECK(booked.history[0].time == "2026-01-02T03:04:05Z");
    CHECK(booked.history[0].revision.id == "r2");
    CHECK(booked.history[0].result == "paused");
    CHECK(booked.history[0].summary == "2 updated, 1 paused");
    REQUIRE(booked.history[0].groups.size() == 1);
    CHECK(booked.history[0].groups[0].service == "qux");
    CHECK(booked.changed_at == "2026-01-02T03:04:05.678901Z");

    cycle.plan.changes.clear();
    cycle.report.changes.clear();
    const auto nothing_to_do = cycle.book();
    CHECK(nothing_to_do.history.empty());
    CHECK(nothing_to_do.changed_at.empty());
}

TEST_CASE("units that do not run are what the last look found, and an early end of a cycle is no look", "[R42]") {
    Cycle cycle;
    cycle.end_all_well();
    cycle.ledger.not_running = {{"old.timer", "inactive", false}};
    cycle.report.not_ready = {{"foo@1.service", "activating"}, {"qux.timer", "inactive", false}};
    CHECK(cycle.book().not_running == std::vector<NotReady>{{"qux.timer", "inactive", false}});
    CHECK(book_not_running(cycle.ledger, cycle.report).not_running == cycle.book().not_running);
    cycle.report.error = Error(ErrorKind::unavailable, "timed out");
    CHECK(cycle.book().not_running == cycle.ledger.not_running);
}
