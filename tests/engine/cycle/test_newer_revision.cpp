#include "cycle/newer_revision.hpp"

#include "support/catch.hpp"
#include "support/fake_source.hpp"
#include "support/recording_log.hpp"

#include <optional>
#include <stop_token>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

constexpr auto services = "services:\n- name: foo.service\n- name: bar.service\n";

/// A rollout of the service foo. The watch ends when a newer revision or a pause is found, or after the given number of
/// looks at orders.
struct Watch {
    FakeSource source{{{"services.yaml", services},
                       {"foo.service", "[Service]\nExecStart=/bin/foo\n"},
                       {"bar.service", "[Service]\nExecStart=/bin/bar\n"}}};
    RecordingLog log;
    std::stop_source stop;
    Calls calls{stop.get_token(), log, 10s};
    Plan plan;
    WantedState wanted;
    Orders orders;
    Orders now;
    int looks_left = 3;
    std::stop_source finished;

    Watch() {
        plan.changes.emplace_back();
        plan.changes.back().service = "foo";
        const auto checkout = source.checkout({}, calls.make());
        wanted = read_wanted(*checkout, calls.make());
    }

    std::optional<std::string> watch() {
        const auto read_orders = [&] {
            if (--looks_left <= 0) finished.request_stop();
            return now;
        };
        return watch_for_newer({plan, wanted, orders}, {source, read_orders, 2ms, calls}, finished.get_token());
    }
};

}  // namespace

TEST_CASE("a revision that wants something else ends a rollout", "[R44]") {
    Watch watch;
    watch.source.put("bar.service", "[Service]\nExecStart=/bin/bar --new\n");
    CHECK(watch.watch() == "superseded by revision r2");
}

TEST_CASE("a revision that wants the same, or none, lets a rollout go on to its end", "[R44]") {
    Watch watch;
    if (GENERATE(true, false)) watch.source.touch();
    CHECK(watch.watch() == std::nullopt);
    CHECK(watch.looks_left == 0);
}

TEST_CASE("a new pause ends a rollout that it concerns, and no other one", "[R44]") {
    Watch watch;
    SECTION("of a service that is rolled out") {
        watch.now.paused["foo"] = {};
        CHECK(watch.watch() == "superseded by a pause");
    }
    SECTION("of all services") {
        watch.now.paused[""] = {};
        CHECK(watch.watch() == "superseded by a pause");
    }
    SECTION("of a service of which nothing changes and something is waited for") {
        watch.plan.gated.emplace_back().service = "bar";
        watch.now.paused["bar"] = {};
        CHECK(watch.watch() == "superseded by a pause");
    }
    SECTION("of another service") {
        watch.now.paused["bar"] = {};
        CHECK(watch.watch() == std::nullopt);
    }
    SECTION("that was there before") {
        watch.orders.paused["foo"] = {};
        watch.now = watch.orders;
        CHECK(watch.watch() == std::nullopt);
    }
}

TEST_CASE("a question for something newer that fails is asked again, and told in the debug log alone", "[R5][R44]") {
    Watch watch;
    watch.source.put("bar.service", "[Service]\nExecStart=/bin/bar --new\n");
    watch.source.fail_checkout(Error(ErrorKind::unavailable, "timed out"), 1);
    CHECK(watch.watch() == "superseded by revision r2");
    CHECK(watch.log.text() == "debug: cannot look for a newer revision: timed out\n");
}

TEST_CASE("a watch ends with its rollout, and at a stop", "[R8][R44]") {
    Watch watch;
    const bool stops = GENERATE(true, false);
    (stops ? watch.stop : watch.finished).request_stop();
    CHECK(watch.watch() == std::nullopt);
    CHECK(watch.looks_left == 3);
}
