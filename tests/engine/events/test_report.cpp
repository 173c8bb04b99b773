#include "events/report.hpp"

#include "support/catch.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <string>

using namespace deployer;

namespace {

CycleReport full_report() {
    CycleReport report;
    report.revision = {"r7"};
    Change update{ChangeKind::update, "foo@1.service", "foo", nullptr, nullptr, {}, "ExecStart differs", {}};
    update.differences.push_back({"Service", "ExecStart", "/bin/a", "/bin/b"});
    report.changes.push_back({update, ChangeStatus::done, {}});
    report.changes.push_back(
        {{ChangeKind::destroy_group, "bar.service", "bar", nullptr, nullptr, {}, "service no longer wanted", {}},
         ChangeStatus::failed,
         "busy"});
    report.held.push_back({"baz", "services.yaml:3: no", false});
    report.held.push_back({"baz", "services.yaml:4: no", false});
    report.not_ready.push_back({"qux.service", "activating \033[2J"});
    report.left = {1, 2, 3, 4};
    report.result = conclude(report);
    return report;
}

}  // namespace

TEST_CASE("the JSON report has each field that programs rely on", "[R26]") {
    Poco::JSON::Parser parser;
    const auto root = parser.parse(write_json(full_report())).extract<Poco::JSON::Object::Ptr>();
    CHECK(root->getValue<std::string>("revision") == "r7");
    CHECK(root->getValue<std::string>("result") == "degraded");
    const auto update = root->getArray("changes")->getObject(0);
    CHECK(update->getValue<std::string>("action") == "update");
    CHECK(update->getValue<std::string>("unit") == "foo@1.service");
    CHECK(update->getValue<std::string>("group") == "foo");
    CHECK(update->getValue<std::string>("reason") == "ExecStart differs");
    CHECK(update->getValue<std::string>("status") == "done");
    CHECK_FALSE(update->has("error"));
    CHECK(update->getArray("differences")->getObject(0)->getValue<std::string>("to") == "/bin/b");
    const auto destroy = root->getArray("changes")->getObject(1);
    CHECK(destroy->getValue<std::string>("action") == "destroy");
    CHECK(destroy->getValue<std::string>("error") == "busy");
    const auto held = root->getArray("held")->getObject(0);
    CHECK(held->getValue<std::string>("service") == "baz");
    CHECK(held->getValue<std::string>("error") == "services.yaml:3: no");
    const auto not_ready = root->getArray("not_ready")->getObject(0);
    CHECK(not_ready->getValue<std::string>("unit") == "qux.service");
    const auto left = root->getObject("left");
    CHECK(left->getValue<int>("destroy_disabled") == 1);
    CHECK(left->getValue<int>("max_destroy") == 2);
    CHECK(left->getValue<int>("disputed") == 3);
    CHECK(left->getValue<int>("protected") == 4);
    CHECK_FALSE(root->has("error"));
}

TEST_CASE("a failed cycle tells its error in JSON and in the table") {
    CycleReport report;
    report.error = Error(ErrorKind::unavailable, "cannot list the units: connection refused");
    report.result = conclude(report);
    CHECK(report.result == Outcome::failed);
    CHECK(write_json(report).find(R"("error": "cannot list the units: connection refused")") != std::string::npos);
    CHECK(write_table(report, "failed", false).find("cannot list the units: connection refused") != std::string::npos);
}

TEST_CASE("the table names every change, what is held, and a sum, and has colours only when asked") {
    const auto table = write_table(full_report(), "degraded: " + summarise(full_report()), false);
    for (const auto* text :
         {"foo@1.service", "ExecStart differs", "busy", "baz: services.yaml:3: no",
          "degraded: 1 updated, 1 failed, 1 held, 1 not ready, 3 no longer wanted but left, 4 protected",
          "qux.service, changed by an earlier cycle, is not ready: activating \\x1b[2J"}) {
        INFO(table);
        CHECK(table.find(text) != std::string::npos);
    }
    CHECK(table.find('\033') == std::string::npos);
    CHECK(write_table(full_report(), "degraded: " + summarise(full_report()), true).find('\033') != std::string::npos);
}

TEST_CASE("a report is as bad as the worst of its groups", "[R43]") {
    CycleReport report;
    report.held.push_back({"foo", "broken", false});
    auto worst = Outcome::held;
    for (const auto outcome : {Outcome::paused, Outcome::degraded, Outcome::quarantined, Outcome::superseded,
                               Outcome::rolled_back, Outcome::halted}) {
        set_outcome(report, {std::string(to_string(outcome)), outcome, ""});
        worst = std::max(worst, outcome);
        CHECK(conclude(report) == worst);
        CHECK(outcome_from(to_string(outcome)) == outcome);
    }
    set_outcome(report, {"halted", Outcome::applied, ""});
    CHECK(conclude(report) == Outcome::rolled_back);
    report.error = Error(ErrorKind::unavailable, "no answer");
    CHECK(conclude(report) == Outcome::failed);
}

TEST_CASE("a unit that is not ready is part of the pause of its service, and degrades everything else") {
    CycleReport report;
    report.not_ready.push_back({"foo@2.service", "activating"});
    set_outcome(report, {"bar", Outcome::paused, "moving house"});
    CHECK(conclude(report) == Outcome::degraded);
    SECTION("paused by name") {
        set_outcome(report, {"foo", Outcome::paused, "moving house"});
    }
    SECTION("everything paused") {
        set_outcome(report, {"", Outcome::paused, "moving house"});
    }
    CHECK(conclude(report) == Outcome::paused);
    report.not_ready.push_back({"qux.service", "activating", false});
    const bool is_all = report.groups.front().service.empty();
    CHECK(conclude(report) == (is_all ? Outcome::paused : Outcome::degraded));
}

TEST_CASE("a report concludes as its parts say") {
    CycleReport report;
    CHECK(conclude(report) == Outcome::in_sync);
    report.left.destroy_disabled = 3;
    report.left.protected_units = 1;
    CHECK(conclude(report) == Outcome::in_sync);
    report.changes.push_back({{}, ChangeStatus::done, {}});
    CHECK(conclude(report) == Outcome::applied);
    SECTION("held, which a failure outweighs") {
        report.held.push_back({"foo", "broken", false});
        CHECK(conclude(report) == Outcome::held);
        report.changes.push_back({{}, ChangeStatus::failed, "no"});
    }
    SECTION("failed") {
        report.changes.push_back({{}, ChangeStatus::failed, "no"});
    }
    SECTION("skipped") {
        report.changes.push_back({{}, ChangeStatus::skipped, "no"});
    }
    SECTION("max_destroy") {
        report.left.max_destroy = 1;
    }
    SECTION("not ready") {
        report.not_ready.push_back({"foo.service", "activating"});
    }
    SECTION("altered by the target") {
        report.left.altered = 1;
    }
    SECTION("disputed") {
        report.left.disputed = 1;
    }
    CHECK(conclude(report) == Outcome::degraded);
}
