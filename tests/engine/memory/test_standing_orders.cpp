#include "memory/standing_orders.hpp"

#include "memory/records.hpp"
#include "support/catch.hpp"
#include "support/fake_cache.hpp"
#include "support/fake_target.hpp"
#include "support/holds.hpp"
#include "support/recording_log.hpp"
#include "support/thrown_error.hpp"

#include <string>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

SharedContent version(const std::string& name) {
    return make_content({{"Service", "ExecStart", "/bin/" + name}});
}

WantedState wanted_foo(int nodes, const std::string& content) {
    WantedState wanted{{"r1"}, {}, {}, {}, {}};
    for (int node = 1; node <= nodes; ++node) {
        wanted.units.push_back({"foo@" + std::to_string(node) + ".service", version(content), DesiredState::launched});
    }
    return wanted;
}

RolloutRecord quarantined_foo(const std::string& content, Outcome outcome) {
    RolloutRecord record{"foo", group_digests(wanted_foo(2, content))["foo"], {}};
    record.former = {{"foo@1.service", version("old"), DesiredState::launched},
                     {"foo@2.service", version("old"), DesiredState::launched}};
    record.quarantine = {"2026-01-02T03:04:05.123456Z", outcome, "foo@1.service was not ready after 5m: activating",
                         "q2"};
    return record;
}

bool is_kept(const RolloutRecord& record, const WantedState& wanted, const Orders& orders = {}) {
    const auto kept = rollouts_of_concern({record}, wanted, orders).rollouts;
    return kept.size() == 1 && kept[0].quarantine;
}

}  // namespace

TEST_CASE("what a service is to be does not depend on how many nodes it has", "[R43]") {
    CHECK(group_digests(wanted_foo(2, "a")) == group_digests(wanted_foo(5, "a")));
    CHECK(group_digests(wanted_foo(2, "a")) != group_digests(wanted_foo(2, "b")));
    auto loaded = wanted_foo(2, "a");
    loaded.units[1].desired_state = DesiredState::loaded;
    CHECK(group_digests(wanted_foo(2, "a")) != group_digests(loaded));
}

TEST_CASE("a quarantine lasts until its service is to be something else, or somebody says so", "[R43]") {
    const auto record = quarantined_foo("bad", Outcome::halted);
    CHECK(is_kept(record, wanted_foo(2, "bad")));
    CHECK(is_kept(record, wanted_foo(7, "bad")));
    CHECK_FALSE(is_kept(record, wanted_foo(2, "good")));
    CHECK_FALSE(is_kept(record, WantedState{{"r2"}, {}, {}, {}, {}}));
    CHECK(is_kept(record, WantedState{{"r2"}, {}, {}, {{"foo", "broken", false}}, {}}));
    CHECK(is_kept(record, WantedState{{"r2"}, {}, {}, {{"", "no name", false, true}}, {}}));

    Orders orders;
    orders.retries["foo"] = "q1";
    CHECK(is_kept(record, wanted_foo(2, "bad"), orders));
    orders.retries["foo"] = "q2";
    CHECK_FALSE(is_kept(record, wanted_foo(2, "bad"), orders));
}

TEST_CASE("what was rolled back is wanted as it was, and new nodes are what their siblings are", "[R43]") {
    Ledger ledger;
    ledger.rollouts = {quarantined_foo("bad", Outcome::rolled_back)};
    auto wanted = wanted_foo(4, "bad");
    wanted.units.push_back({"other.service", version("bad"), DesiredState::launched});
    // The rollout had added this node, so the node has no former content.
    const ActualState actual{{{"foo@3.service", version("bad"), DesiredState::launched}}};
    const auto now = with_former_contents(wanted, actual, ledger);
    REQUIRE(now.units.size() == 5);
    for (const auto& unit : now.units) {
        INFO(unit.name);
        const bool stays = unit.name == "foo@3.service" || unit.name == "other.service";
        CHECK(unit.content->digest == version(stays ? "bad" : "old")->digest);
    }
    ledger.rollouts[0].quarantine->outcome = Outcome::halted;
    CHECK(with_former_contents(wanted, actual, ledger).units[0].content->digest == version("bad")->digest);
}

TEST_CASE("nothing of a quarantined or paused service is planned, and its changes are counted", "[R43]") {
    Ledger ledger;
    ledger.rollouts = {quarantined_foo("bad", Outcome::halted)};
    const ActualState actual{{{"foo@1.service", version("bad"), DesiredState::launched},
                              {"foo@2.service", version("old"), DesiredState::launched},
                              {"gone.service", version("old"), DesiredState::launched}}};
    PlanPolicy policy;
    policy.destroy = true;
    SECTION("quarantined") {
        const auto plan = make_plan(wanted_foo(2, "bad"), actual, policy, standing_orders(ledger, {}));
        REQUIRE(plan.changes.size() == 1);
        CHECK(plan.changes[0].unit == "gone.service");
        REQUIRE(plan.standing.size() == 1);
        CHECK(plan.standing[0].outcome == Outcome::quarantined);
        CHECK(plan.standing[0].changes == 1);
        CHECK(plan.standing[0].advice == "to try it again: coco-fleet-deployer retry foo --config FILE");
        CHECK(plan.destroy_obstacle == "foo is quarantined and still differs from the wanted state");
    }
    SECTION("quarantined, with a node that is missing, which may be the new name of what would go") {
        const auto plan = make_plan(wanted_foo(3, "bad"), actual, policy, standing_orders(ledger, {}));
        CHECK(plan.destroy_obstacle == "foo is quarantined and some of its units do not exist yet");
    }
    SECTION("paused by name") {
        Orders orders;
        orders.paused["gone"] = {"2026-01-02T03:04:05Z", "moving house"};
        const auto plan = make_plan(wanted_foo(2, "new"), actual, policy, standing_orders({}, orders));
        CHECK(plan.changes.size() == 2);
        REQUIRE(plan.standing.size() == 1);
        CHECK(plan.standing[0].changes == 1);
        CHECK(plan.standing[0].reason == "moving house (since 2026-01-02T03:04:05Z)");
    }
    SECTION("everything paused") {
        Orders orders;
        orders.paused[""] = {"2026-01-02T03:04:05Z", "moving house"};
        const auto plan = make_plan(wanted_foo(3, "new"), actual, policy, standing_orders({}, orders));
        CHECK(plan.changes.empty());
        CHECK(plan.standing[0].changes == 4);
    }
}

TEST_CASE("orders come back as they were, and cut anywhere are none") {
    Orders orders;
    orders.paused[""] = {"2026-01-02T03:04:05Z", "all of \"it\""};
    orders.paused["foo"] = {"2026-01-02T03:04:05Z", ""};
    orders.retries["bar"] = "q1";
    const auto document = write_orders(orders);
    CHECK(read_orders(document) == orders);
    // Orders of an older format, without quarantine ids. The pause is read, the retry is not.
    const auto old = read_orders(R"({"format":1,"paused":[{"service":"foo","since":"x","reason":"y"}],)"
                                 R"("retries":[{"service":"bar","time":"2026-01-02T03:04:05Z"}]})");
    REQUIRE(old);
    CHECK(old->paused.size() == 1);
    CHECK(old->retries.empty());
    for (std::size_t length = 0; length < document.size(); ++length)
        CHECK_FALSE(read_orders(document.substr(0, length)));
}

TEST_CASE("only what is quarantined can be tried again, and what is not is named") {
    FakeCache cache;
    const FakeTarget target;
    RecordingLog log;
    const Calls calls{{}, log, 5s};
    Records records;
    records.ledger.rollouts = {quarantined_foo("bad", Outcome::halted)};
    records.ledger.rollouts.push_back(records.ledger.rollouts.front());
    records.ledger.rollouts.back().service = "qux";
    records.ledger.rollouts.back().quarantine->id = "q3";
    const auto error = thrown_by([&] { (void)retries_for(records, "bar"); });
    CHECK(error.kind() == ErrorKind::not_found);
    CHECK(says(error, "\"bar\" is not quarantined; quarantined services: foo, qux"));
    CHECK(retries_for(records, "foo") == std::map<std::string, std::string, std::less<>>{{"foo", "q2"}});
    records.orders.retries = retries_for(records, "");
    CHECK(records.orders.retries == std::map<std::string, std::string, std::less<>>{{"foo", "q2"}, {"qux", "q3"}});
    change_orders([&](Orders& orders) { orders.retries = records.orders.retries; }, cache, target, calls);
    const auto back = load_records(cache, target, calls);
    CHECK(back.orders == records.orders);
    CHECK(holds(thrown_by([&] { (void)retries_for(records, "foo"); }).what(),
                "\"foo\" is not quarantined; no service is"));
    CHECK(says(thrown_by([&] { (void)retries_for(records, ""); }), "no service is quarantined"));
}
