#include "rollout/rollout.hpp"

#include "plan/planner.hpp"
#include "support/catch.hpp"
#include "support/fake_target.hpp"
#include "support/recording_log.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <deployer/unit_name.hpp>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

SharedContent content_named(const std::string& name) {
    return make_content({{"Service", "ExecStart", "/bin/run " + name}});
}

template <class Units>
Units sorted(Units units) {
    std::sort(units.begin(), units.end(), [](const auto& a, const auto& b) { return numeric_less(a.name, b.name); });
    return units;
}

/// A cluster, what is wanted of it, and the rollout from one to the other.
struct Scene {
    FakeTarget target;
    WantedState wanted{{"r1"}, {}, {}, {}, {}};
    RolloutPolicy policy{4, 2s, 1ms, OnTimeout::halt};
    EventStream events;
    RecordingLog log;
    std::stop_source stop;
    std::vector<ChangeResult> results;
    Health* health = nullptr;
    WaitStarts starts;
    std::vector<GroupOutcome> booked;
    RolloutEnd end;

    void want(const std::string& name, const std::string& content) {
        wanted.units.push_back({name, content_named(content), DesiredState::launched});
    }
    void have(const std::string& name, const std::string& content) {
        target.put({name, content_named(content)->options, DesiredState::launched});
    }

    std::optional<Error> roll_out() {
        ActualState actual;
        for (const auto& [name, unit] : target.units()) {
            actual.units.push_back({name, make_content(unit.options), unit.desired_state});
        }
        actual.units = sorted(actual.units);
        wanted.units = sorted(wanted.units);
        PlanPolicy plan_policy;
        plan_policy.destroy = true;
        plan_policy.max_destroy = {1000, false};
        const auto plan = make_plan(wanted, actual, plan_policy);
        results = report_of(plan, wanted).changes;
        const Calls calls{stop.get_token(), log, 5s};
        Rollout rollout({target, health, policy, calls, events, starts,
                         [&](const GroupOutcome& outcome) { booked.push_back(outcome); }},
                        results);
        end = rollout.run(make_rollout_groups(plan, policy));
        if (end.error) return end.error;
        if (auto removed = rollout.run(make_destroy_groups(plan, ChangeKind::remove_node)); removed.error) {
            return removed.error;
        }
        return rollout.run(make_destroy_groups(plan, ChangeKind::destroy_group)).error;
    }

    ChangeStatus status_of(const std::string& unit) const { return result_of(unit).status; }
    const ChangeResult& result_of(const std::string& unit) const {
        const auto found = std::find_if(results.begin(), results.end(),
                                        [&](const auto& result) { return result.change.unit == unit; });
        REQUIRE(found != results.end());
        return *found;
    }
    std::size_t position(const std::string& call) const {
        const auto calls = target.calls();
        const auto found = std::find(calls.begin(), calls.end(), call);
        INFO(call);
        REQUIRE(found != calls.end());
        return static_cast<std::size_t>(found - calls.begin());
    }
};

}  // namespace

TEST_CASE("on create a node comes before its sidekick", "[R40][concurrent]") {
    Scene scene;
    for (const auto* node : {"1", "2", "3"}) {
        scene.want("foo@" + std::string(node) + ".service", "v1");
        scene.want("foo-sidekick@" + std::string(node) + ".service", "s1");
    }
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.target.units().size() == 6);
    for (const auto* node : {"1", "2", "3"}) {
        CHECK(scene.position("apply foo@" + std::string(node) + ".service") <
              scene.position("apply foo-sidekick@" + std::string(node) + ".service"));
    }
}

TEST_CASE("a sidekick is not created when its node could not be, and other nodes go on", "[R40][concurrent]") {
    Scene scene;
    for (const auto* unit : {"foo@1.service", "foo-sidekick@1.service", "foo@2.service", "foo-sidekick@2.service"}) {
        scene.want(unit, "v1");
    }
    scene.target.before = [](const std::string& call) {
        if (call == "apply foo@1.service") throw Error(ErrorKind::rejected, "no room for it");
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::failed);
    CHECK(scene.result_of("foo@1.service").error == "no room for it");
    CHECK(scene.status_of("foo-sidekick@1.service") == ChangeStatus::skipped);
    CHECK(scene.result_of("foo-sidekick@1.service").error == "not begun: foo@1.service failed");
    CHECK(scene.status_of("foo-sidekick@2.service") == ChangeStatus::done);
}

TEST_CASE("groups roll out side by side, up to parallelism and no further", "[R40][concurrent]") {
    Scene scene;
    scene.policy.parallelism = 3;
    for (int i = 0; i < 24; ++i) scene.want("s" + std::to_string(i) + ".service", "v1");
    std::mutex mutex;
    std::condition_variable all_there;
    int now = 0;
    int most = 0;
    scene.target.before = [&](const std::string&) {
        std::unique_lock lock(mutex);
        most = std::max(most, ++now);
        all_there.notify_all();
        // Three calls meet here; a rollout that makes fewer at once would wait in vain.
        if (most < 3) all_there.wait_for(lock, 10s, [&] { return most >= 3; });
        --now;
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(most == 3);
}

TEST_CASE("a serial target is called by one thread at a time", "[R8][concurrent]") {
    Scene scene;
    scene.target.is_serial = true;
    for (int i = 0; i < 50; ++i) scene.want("s" + std::to_string(i) + ".service", "v1");
    std::atomic<int> now = 0;
    std::atomic<bool> overlapped = false;
    scene.target.before = [&](const std::string&) {
        if (++now > 1) overlapped = true;
        --now;
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK_FALSE(overlapped);
}

TEST_CASE("a sequential group goes node by node: sidekick, node, wait until both are ready, then the next",
          "[R41][concurrent]") {
    Scene scene;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* node : {"1", "2", "10"}) {
        for (const auto* kind : {"foo@", "foo-sidekick@"}) {
            scene.have(kind + std::string(node) + ".service", "v1");
            scene.want(kind + std::string(node) + ".service", "v2");
        }
    }
    std::map<std::string, int> looks;
    std::mutex mutex;
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
        if (unit.options == content_named("v1")->options) return status;
        const std::scoped_lock lock(mutex);
        return ++looks[unit.name] < 3 ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    std::vector<std::string> early;
    scene.target.before = [&](const std::string& call) {
        const std::scoped_lock lock(mutex);
        for (const auto& [next, former] : {std::pair("2", "1"), std::pair("10", "2")}) {
            if (call != "apply foo-sidekick@" + std::string(next) + ".service") continue;
            for (const auto* kind : {"foo@", "foo-sidekick@"}) {
                if (looks[kind + std::string(former) + ".service"] < 3) early.push_back(call);
            }
        }
    };
    REQUIRE_FALSE(scene.roll_out());
    std::vector<std::string> expected;
    for (const auto* node : {"1", "2", "10"}) {
        for (const auto* call : {"apply foo-sidekick@", "apply foo@"}) {
            expected.push_back(call + std::string(node) + ".service");
        }
    }
    CHECK(scene.target.writes() == expected);
    CHECK(early.empty());
}

TEST_CASE("with halt, nodes after one that does not become ready keep the old version", "[R41][R43][concurrent]") {
    Scene scene;
    scene.policy.timeout = 20ms;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo@2.service", "foo@3.service"}) {
        scene.have(name, "v1");
        scene.want(name, "v2");
    }
    scene.have("bar.service", "v1");
    scene.want("bar.service", "v2");
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        const bool broken = unit.name == "foo@2.service" && unit.options == content_named("v2")->options;
        return broken ? UnitStatus{Readiness::waiting, "activating"} : status;
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.booked ==
          std::vector<GroupOutcome>{{"foo", Outcome::halted, "foo@2.service was not ready after 20ms: activating"}});
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::failed);
    CHECK(scene.result_of("foo@2.service").error == "was not ready after 20ms: activating");
    CHECK(scene.status_of("foo@3.service") == ChangeStatus::skipped);
    CHECK(scene.target.units().at("foo@3.service").options == content_named("v1")->options);
    CHECK(scene.status_of("bar.service") == ChangeStatus::done);

    SECTION("also when the rollout is tried again, because the node that has the new version is still not ready") {
        REQUIRE_FALSE(scene.roll_out());
        CHECK(scene.status_of("foo@3.service") == ChangeStatus::skipped);
        CHECK(scene.result_of("foo@3.service").error ==
              "not begun: foo@2.service, which has this version already, was not ready after 20ms: activating");
        CHECK(scene.target.units().at("foo@3.service").options == content_named("v1")->options);
    }
    SECTION("until it becomes ready after all") {
        scene.target.judge = [](const Unit&, const UnitStatus& status) { return status; };
        REQUIRE_FALSE(scene.roll_out());
        CHECK(scene.status_of("foo@3.service") == ChangeStatus::done);
    }
}

TEST_CASE("a unit that failed for good ends the wait at once", "[R41][concurrent]") {
    Scene scene;
    scene.policy.timeout = 1h;
    scene.wanted.rules["foo"].sequential = true;
    scene.have("foo@1.service", "v1");
    scene.want("foo@1.service", "v2");
    scene.target.judge = [](const Unit&, const UnitStatus&) { return UnitStatus{Readiness::failed, "exit code 1"}; };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.result_of("foo@1.service").error == "will not become ready: exit code 1");
}

TEST_CASE("a node and its sidekick have one deadline together", "[R42][concurrent]") {
    Scene scene;
    scene.policy.timeout = 200ms;
    scene.policy.poll = 200ms;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo-sidekick@1.service"}) {
        scene.have(name, "v1");
        scene.want(name, "v2");
    }
    scene.target.judge = [](const Unit&, const UnitStatus&) { return UnitStatus{Readiness::waiting, "activating"}; };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.result_of("foo-sidekick@1.service").error == "was not ready after 200ms: activating");
    CHECK(scene.result_of("foo@1.service").error == "was not seen ready: foo-sidekick@1.service failed");
    CHECK(scene.target.count("status foo-sidekick@1.service") == 2);
}

TEST_CASE("without a health check a node's sidekick tells how the node is, though it does not change itself",
          "[R42][concurrent]") {
    Scene scene;
    scene.policy.timeout = 20ms;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* node : {"1", "2"}) {
        scene.have("foo@" + std::string(node) + ".service", "v1");
        scene.want("foo@" + std::string(node) + ".service", "v2");
        scene.have("foo-sidekick@" + std::string(node) + ".service", "s1");
        scene.want("foo-sidekick@" + std::string(node) + ".service", "s1");
    }
    SECTION("one that failed keeps the next node from being touched") {
        scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
            return is_sidekick(unit.name) ? UnitStatus{Readiness::failed, "failed (failed)"} : status;
        };
        REQUIRE_FALSE(scene.roll_out());
        CHECK(scene.result_of("foo@1.service").error ==
              "foo-sidekick@1.service was not ready after 20ms: failed (failed)");
        CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
    }
    SECTION("one that had failed comes back with its node") {
        std::atomic<int> looks = 0;
        scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
            const bool failed = is_sidekick(unit.name) && looks++ < 2;
            return failed ? UnitStatus{Readiness::failed, "failed (failed)"} : status;
        };
        scene.policy.timeout = 10s;
        REQUIRE_FALSE(scene.roll_out());
        CHECK(scene.status_of("foo@2.service") == ChangeStatus::done);
    }
}

TEST_CASE("a sequential service that changes its desired state goes node by node too", "[R41][concurrent]") {
    Scene scene;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo@2.service"}) {
        scene.have(name, "v1");
        scene.wanted.units.push_back({name, content_named("v1"), DesiredState::loaded});
    }
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.position("set foo@1.service loaded") < scene.position("status foo@1.service"));
    CHECK(scene.position("status foo@1.service") < scene.position("set foo@2.service loaded"));
}

TEST_CASE("changes begin in the order of the plan", "[R21][concurrent]") {
    Scene scene;
    scene.policy.parallelism = 1;
    scene.have("m@1.service", "v1");
    scene.want("m@1.service", "v2");
    scene.want("m@2.service", "v2");
    scene.have("n@1.service", "v1");
    scene.want("n@1.service", "v1");
    scene.want("n@2.service", "v1");
    scene.want("z.service", "v1");
    REQUIRE_FALSE(scene.roll_out());
    std::vector<std::string> planned;
    for (const auto& result : scene.results) planned.push_back("apply " + result.change.unit);
    CHECK(scene.target.writes() == planned);
}

TEST_CASE("what replaces something is waited for before that goes, even if it is not sequential", "[R25][concurrent]") {
    Scene scene;
    scene.policy.timeout = 20ms;
    scene.have("old.service", "v1");
    scene.want("new.service", "v1");
    scene.target.judge = [](const Unit&, const UnitStatus&) { return UnitStatus{Readiness::waiting, "starting"}; };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.result_of("new.service").error == "was not ready after 20ms: starting");
}

TEST_CASE("a configuration that the target does not accept ends the rollout", "[R5][concurrent]") {
    Scene scene;
    scene.policy.parallelism = 1;
    for (const auto* name : {"a.service", "b.service"}) scene.want(name, "v1");
    scene.target.before = [](const std::string&) { throw Error(ErrorKind::misconfigured, "wrong password"); };
    const auto error = scene.roll_out();
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::misconfigured);
    CHECK(scene.status_of("b.service") == ChangeStatus::skipped);
}

TEST_CASE("trouble of one ends the waits of all others at once", "[R5][concurrent]") {
    Scene scene;
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

TEST_CASE("with continue, a node that the target rejects still keeps the others from being touched",
          "[R43][concurrent]") {
    Scene scene;
    scene.policy.on_timeout = OnTimeout::go_on;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo@2.service"}) {
        scene.have(name, "v1");
        scene.want(name, "v2");
    }
    scene.target.before = [](const std::string& call) {
        if (call == "apply foo@1.service") throw Error(ErrorKind::rejected, "line too long");
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
}

TEST_CASE("with continue, the other nodes are changed all the same", "[R41][R43][concurrent]") {
    Scene scene;
    scene.policy.timeout = 20ms;
    scene.policy.on_timeout = OnTimeout::go_on;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo@2.service"}) {
        scene.have(name, "v1");
        scene.want(name, "v2");
    }
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        return unit.name == "foo@1.service" ? UnitStatus{Readiness::waiting, "activating"} : status;
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::failed);
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::done);
}

TEST_CASE("a target that cannot be asked for a moment does not end a wait", "[R41][concurrent]") {
    Scene scene;
    scene.wanted.rules["foo"].sequential = true;
    scene.have("foo@1.service", "v1");
    scene.want("foo@1.service", "v2");
    std::atomic<int> failures = 3;
    scene.target.before = [&](const std::string& call) {
        if (call.rfind("status", 0) == 0 && failures-- > 0) throw Error(ErrorKind::unavailable, "connection refused");
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
}

TEST_CASE("a target out of reach ends the rollout: what is not begun is skipped", "[R5][concurrent]") {
    Scene scene;
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
    Scene scene;
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
        const bool is_new = unit.options == content_named("v2")->options;
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
    Scene scene;
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
    Scene scene;
    scene.policy.timeout = 1h;
    scene.policy.poll = 1h;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo@2.service"}) {
        scene.have(name, "v1");
        scene.want(name, "v2");
    }
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        const bool is_new = unit.options == content_named("v2")->options;
        return is_new ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    scene.events.subscribe([&](const Event& event) {
        if (std::holds_alternative<WaitingForReady>(event)) scene.stop.request_stop();
    });
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::broken_off);
    CHECK(scene.result_of("foo@1.service").error == "was still being waited for: the deployer was asked to stop");
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
    CHECK(scene.target.units().at("foo@2.service").options == content_named("v1")->options);
}

TEST_CASE("removed nodes go from the highest number down, and one that cannot be destroyed stops no other",
          "[R21][concurrent]") {
    Scene scene;
    scene.want("foo@1.service", "v1");
    for (const auto* node : {"1", "2", "9", "10"}) scene.have("foo@" + std::string(node) + ".service", "v1");
    scene.target.before = [](const std::string& call) {
        if (call == "destroy foo@9.service") throw Error(ErrorKind::rejected, "busy");
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.target.writes() == std::vector<std::string>{"destroy foo@10.service", "destroy foo@2.service"});
    CHECK(scene.status_of("foo@9.service") == ChangeStatus::failed);
}

TEST_CASE("whatever fails, each change of a rollout ends done, failed or skipped", "[concurrent]") {
    Scene scene;
    for (const auto* service : {"foo", "bar"}) scene.wanted.rules[service].sequential = true;
    for (int i = 1; i <= 5; ++i) {
        for (const auto* service : {"foo", "bar", "plain", "foo-sidekick"}) {
            const auto name = std::string(service) + '@' + std::to_string(i) + ".service";
            if (i % 2 == 0) scene.have(name, "v1");
            scene.want(name, "v2");
        }
    }
    std::atomic<int> calls = 0;
    const auto nth = GENERATE(1, 2, 3, 5, 8, 13, 21);
    const auto kind = GENERATE(ErrorKind::rejected, ErrorKind::unavailable, ErrorKind::internal);
    scene.target.before = [&](const std::string&) {
        if (++calls % nth == 0) throw Error(kind, "every so often");
    };
    (void)scene.roll_out();
    for (const auto& result : scene.results) {
        CHECK(result.status != ChangeStatus::planned);
        CHECK((result.status == ChangeStatus::done) == result.error.empty());
    }
}
