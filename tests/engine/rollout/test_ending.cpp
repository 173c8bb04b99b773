#include "rollout/ending.hpp"

#include "support/catch.hpp"
#include "support/rollout_scene.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("the first error ends a run, and a later one is no failure of its own", "[R5]") {
    const Supersession supersession;
    int hurries = 0;
    Ending ending({}, supersession, [&] { ++hurries; });
    CHECK(ending.why().empty());
    CHECK_FALSE(ending.interrupt_if_hopeless(Error(ErrorKind::rejected, "no room for it")));
    CHECK_FALSE(ending.is_requested());
    CHECK(ending.interrupt(Error(ErrorKind::unavailable, "no route")));
    CHECK_FALSE(ending.interrupt(Error(ErrorKind::unavailable, "timed out")));
    CHECK(ending.is_requested());
    CHECK(ending.error()->what() == std::string("no route"));
    CHECK(ending.why() == "the cycle was broken off");
    CHECK(hurries >= 1);
}

TEST_CASE("a stop that was requested before the run begins ends the run as well", "[R8]") {
    std::stop_source stop;
    stop.request_stop();
    const Supersession supersession;
    bool is_hurried = false;
    const Ending ending(stop.get_token(), supersession, [&] { is_hurried = true; });
    CHECK(is_hurried);
    CHECK(ending.why() == "the deployer was asked to stop");
    CHECK_FALSE(ending.is_superseded());
}

TEST_CASE("the first reason to supersede a rollout is the one that is told", "[R44]") {
    Supersession supersession;
    bool is_hurried = false;
    const Ending ending({}, supersession, [&] { is_hurried = true; });
    supersession.request("superseded by revision r2");
    supersession.request("superseded by revision r3");
    CHECK(is_hurried);
    CHECK(ending.is_superseded());
    CHECK(ending.why() == "superseded by revision r2");
}

TEST_CASE("a configuration that the target does not accept ends the rollout", "[R5][concurrent]") {
    RolloutScene scene;
    scene.policy.parallelism = 1;
    for (const auto* name : {"a.service", "b.service"}) scene.want(name, "v1");
    scene.target.before = [](const std::string&) { throw Error(ErrorKind::misconfigured, "wrong password"); };
    const auto error = scene.roll_out();
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::misconfigured);
    CHECK(scene.status_of("b.service") == ChangeStatus::skipped);
}

TEST_CASE("trouble of one ends the waits of all others at once", "[R5][concurrent]") {
    RolloutScene scene;
    scene.policy.timeout = 1h;
    scene.policy.poll = 1h;
    scene.wanted.rules["foo"].sequential = true;
    scene.have("foo@1.service", "v1");
    scene.want("foo@1.service", "v2");
    scene.have("zed.service", "v1");
    scene.want("zed.service", "v2");
    std::promise<void> is_waiting;
    scene.target.judge = [](const Unit&, const UnitStatus&) { return UnitStatus{Readiness::waiting, "starting"}; };
    scene.events.subscribe([&](const Event& event) {
        if (std::holds_alternative<WaitingForReady>(event)) is_waiting.set_value();
    });
    scene.target.before = [&](const std::string& call) {
        if (call != "apply zed.service") return;
        is_waiting.get_future().wait();
        throw Error(ErrorKind::unavailable, "connection refused");
    };
    CHECK(scene.roll_out());
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::broken_off);
}

TEST_CASE("a target out of reach ends the rollout: what is not begun is skipped", "[R5][concurrent]") {
    RolloutScene scene;
    scene.policy.parallelism = 1;
    for (const auto* name : {"a.service", "b.service", "c.service"}) scene.want(name, "v1");
    scene.target.before = [](const std::string& call) {
        if (call == "apply b.service") throw Error(ErrorKind::unavailable, "connection refused");
    };
    const auto error = scene.roll_out();
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::unavailable);
    CHECK(scene.status_of("a.service") == ChangeStatus::done);
    CHECK(scene.status_of("b.service") == ChangeStatus::failed);
    CHECK(scene.status_of("c.service") == ChangeStatus::skipped);
    CHECK(scene.result_of("b.service").error == "connection refused");
    CHECK(scene.result_of("c.service").error == "not begun: the cycle was broken off");
}

TEST_CASE("one cause is named once: what is broken off with a call that fails does not repeat its error",
          "[R5][concurrent]") {
    RolloutScene scene;
    scene.policy.timeout = 1h;
    scene.policy.poll = 1h;
    scene.policy.parallelism = 1;
    for (const auto* service : {"a", "b"}) {
        scene.wanted.rules[service].sequential = true;
        scene.have(std::string(service) + ".service", "v1");
        scene.want(std::string(service) + ".service", "v2");
    }
    scene.have("z.service", "v1");
    scene.want("z.service", "v2");
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        const bool is_new = unit.options == version("v2")->options;
        return is_new ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    scene.target.before = [](const std::string& call) {
        if (call == "apply z.service") throw Error(ErrorKind::unavailable, "connection refused");
    };
    const auto error = scene.roll_out();
    REQUIRE(error);
    CHECK(error->what() == std::string("connection refused"));
    CHECK(scene.status_of("z.service") == ChangeStatus::failed);
    for (const auto* unit : {"a.service", "b.service"}) {
        CHECK(scene.status_of(unit) == ChangeStatus::broken_off);
        CHECK(scene.result_of(unit).error == "was still being waited for: the cycle was broken off");
    }
}

TEST_CASE("calls that fail alike at the same time are one failure", "[R5][concurrent]") {
    RolloutScene scene;
    scene.policy.parallelism = 3;
    for (const auto* name : {"a.service", "b.service", "c.service"}) scene.want(name, "v1");
    std::mutex mutex;
    std::condition_variable all_there;
    int arrived = 0;
    scene.target.before = [&](const std::string&) {
        std::unique_lock lock(mutex);
        ++arrived;
        all_there.notify_all();
        all_there.wait_for(lock, 10s, [&] { return arrived >= 3; });
        throw Error(ErrorKind::unavailable, "connection refused");
    };
    REQUIRE(scene.roll_out());
    const auto count = [&](ChangeStatus status) {
        return std::count_if(scene.results.begin(), scene.results.end(),
                             [&](const auto& result) { return result.status == status; });
    };
    CHECK(count(ChangeStatus::failed) == 1);
    CHECK(count(ChangeStatus::broken_off) == 2);
}

TEST_CASE("a stop request ends a wait at once and begins nothing more", "[R8][concurrent]") {
    RolloutScene scene;
    scene.policy.timeout = 1h;
    scene.policy.poll = 1h;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo@2.service"}) {
        scene.have(name, "v1");
        scene.want(name, "v2");
    }
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        const bool is_new = unit.options == version("v2")->options;
        return is_new ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    scene.events.subscribe([&](const Event& event) {
        if (std::holds_alternative<WaitingForReady>(event)) scene.stop.request_stop();
    });
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::broken_off);
    CHECK(scene.result_of("foo@1.service").error == "was still being waited for: the deployer was asked to stop");
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
    CHECK(scene.target.units().at("foo@2.service").options == version("v1")->options);
}

TEST_CASE("a newer revision ends the waits and begins nothing more", "[R44][concurrent]") {
    RolloutScene scene(3);
    scene.policy.timeout = 1h;
    scene.policy.poll = 1h;
    scene.break_version("foo@1.service", "v2", Readiness::waiting);
    std::promise<void> is_waiting;
    std::atomic<bool> was_told = false;
    scene.events.subscribe([&](const Event& event) {
        if (std::holds_alternative<WaitingForReady>(event) && !was_told.exchange(true)) is_waiting.set_value();
    });
    scene.attend = [&](Rollout& rollout, const std::stop_token&) {
        is_waiting.get_future().wait();
        rollout.supersede("superseded by revision r2");
    };
    scene.roll_out();
    CHECK_FALSE(scene.end.error);
    CHECK(scene.booked.empty());
    CHECK(scene.outcome_of("foo") == Outcome::superseded);
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::superseded);
    CHECK(scene.result_of("foo@1.service").error == "was still being waited for: superseded by revision r2");
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
    CHECK(scene.result_of("foo@2.service").error == "not begun: superseded by revision r2");
    CHECK(scene.version_of("foo@2.service") == "v1");

    SECTION("a wait that goes on has no more time than it had") {
        // The wait began before, so these 40 ms are over after the sleep below.
        scene.policy.timeout = 40ms;
        scene.policy.poll = 1ms;
        scene.attend = {};
        scene.orders.unproven = {"foo@1.service"};
        std::this_thread::sleep_for(40ms);
        scene.target.forget_calls();
        scene.roll_out();
        CHECK(scene.outcome_of("foo") == Outcome::halted);
        CHECK(scene.target.count("status foo@1.service") == 2);
    }
}
