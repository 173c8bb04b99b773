#include "memory/ledger.hpp"

#include "support/catch.hpp"

#include <string>

using namespace deployer;

TEST_CASE("a ledger comes back as it was, and cut anywhere is none", "[R31]") {
    Ledger ledger{{"r2"}, {"r1"}, "fingerprint", {1, 2, 3, 4}, {"1 unit left"}, {"bar.service", "foo.service"}};
    ledger.add({"2026-01-02T03:04:05Z", {"r1"}, "applied", "1 created"});
    ledger.add({"2026-01-02T03:05:05Z", {"r2"}, "degraded", "1 failed"});
    ledger.history.back().groups = {{"foo", Outcome::rolled_back, "foo@2.service was not ready"}};
    const auto old = make_content({{"Service", "ExecStart", "/bin/old"}});
    auto& record = ledger.rollout_of("foo");
    record.digest = "d1";
    record.former = {{"foo@1.service", old, DesiredState::launched}, {"foo@2.service", old, DesiredState::loaded}};
    record.quarantine = {"2026-01-02T03:05:05.123456Z", Outcome::rolled_back, "foo@2.service was not ready", "q7"};
    ledger.rollout_of("bar").digest = "d2";
    ledger.left.altered = 5;
    ledger.made = {{"foo.service", "d1 launched -> d2 launched", 2}};
    ledger.not_running = {{"qux.timer", "inactive (dead)", false}};
    REQUIRE(ledger.rollouts.front().service == "bar");
    const auto document = write_ledger(ledger);
    REQUIRE(read_ledger(document));
    CHECK(*read_ledger(document) == ledger);
    for (std::size_t length = 0; length < document.size(); ++length) {
        CHECK_FALSE(read_ledger(document.substr(0, length)));
    }
}

TEST_CASE("the history keeps the last outcomes and no more", "[R31]") {
    Ledger ledger;
    for (std::size_t i = 0; i < Ledger::history_limit + 7; ++i) ledger.add({"", {std::to_string(i)}, "applied", ""});
    REQUIRE(ledger.history.size() == Ledger::history_limit);
    CHECK(ledger.history.front().revision.id == "7");
}

TEST_CASE("an outcome that repeats the one before does not push others out of the history", "[R31]") {
    Ledger ledger;
    ledger.add({"1", {"r1"}, "degraded", "1 failed"});
    ledger.add({"2", {"r1"}, "degraded", "1 failed"});
    ledger.add({"3", {"r1"}, "degraded", "2 failed"});
    REQUIRE(ledger.history.size() == 2);
    CHECK(ledger.history[0].time == "1");
    CHECK(ledger.history[1].time == "3");
}
