#include "rollout/rollout.hpp"

#include "plan/planner.hpp"
#include "support/catch.hpp"
#include "support/fake_health.hpp"
#include "support/fake_target.hpp"
#include "support/holds.hpp"
#include "support/recording_log.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <deployer/unit_name.hpp>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Verdict = HealthReport::Verdict;

SharedContent version(const std::string& name) {
    return make_content({{"Service", "ExecStart", "/bin/run " + name}});
}

bool is_version(const Unit& unit, const std::string& name) {
    return unit.options == version(name)->options;
}

/// A service foo with three nodes on v1, of which v2 is wanted, and how its rollout goes.
struct Scene {
    FakeTarget target;
    FakeHealth health;
    bool has_health = false;
    WantedState wanted{{"r1"}, {}, {}, {}, {}};
    StandingOrders orders;
    RolloutPolicy policy{4, 10s, 1ms, OnTimeout::halt};
    EventStream events;
    RecordingLog log;
    std::stop_source stop;
    std::vector<ChangeResult> results;
    WaitStarts starts;
    std::vector<GroupOutcome> booked;
    std::function<void()> on_book = [] {};
    std::function<void(Rollout&, std::stop_token)> attend;
    RolloutEnd end;

    explicit Scene(int nodes = 3) {
        for (int node = 1; node <= nodes; ++node) {
            have("foo@" + std::to_string(node) + ".service", "v1");
            want("foo@" + std::to_string(node) + ".service", "v2");
        }
        rules().sequential = true;
    }

    RolloutRules& rules(const std::string& service = "foo") { return wanted.rules[service]; }
    void want(const std::string& name, const std::string& content) {
        std::erase_if(wanted.units, [&](const auto& unit) { return unit.name == name; });
        wanted.units.push_back({name, version(content), DesiredState::launched});
    }
    void have(const std::string& name, const std::string& content) {
        target.put({name, version(content)->options, DesiredState::launched});
    }
    /// From now on that version of a unit is never ready.
    void break_version(const std::string& unit_name, const std::string& broken, Readiness as = Readiness::failed) {
        target.judge = [=](const Unit& unit, const UnitStatus& status) {
            const bool is_meant = unit.name == unit_name && is_version(unit, broken);
            return is_meant && status.readiness != Readiness::absent ? UnitStatus{as, "exit code 1"} : status;
        };
    }

    void roll_out() {
        ActualState actual;
        for (const auto& [name, unit] : target.units()) {
            actual.units.push_back({name, make_content(unit.options), unit.desired_state});
        }
        const auto by_name = [](const auto& a, const auto& b) { return numeric_less(a.name, b.name); };
        std::sort(actual.units.begin(), actual.units.end(), by_name);
        std::sort(wanted.units.begin(), wanted.units.end(), by_name);
        const auto plan = make_plan(wanted, actual, {}, orders);
        results = report_of(plan, wanted).changes;
        const Calls calls{stop.get_token(), log, 5s};
        Rollout rollout({target, has_health ? &health : nullptr, policy, calls, events, starts,
                         [&](const GroupOutcome& outcome) {
                             booked.push_back(outcome);
                             on_book();
                         }},
                        results);
        end = rollout.run(make_rollout_groups(plan, policy), [&](const std::stop_token& finished) {
            if (attend) attend(rollout, finished);
        });
    }

    [[nodiscard]] ChangeStatus status_of(const std::string& unit) const { return result_of(unit).status; }
    [[nodiscard]] const ChangeResult& result_of(const std::string& unit) const {
        const auto found = std::find_if(results.begin(), results.end(),
                                        [&](const auto& result) { return result.change.unit == unit; });
        REQUIRE(found != results.end());
        return *found;
    }
    [[nodiscard]] std::string version_of(const std::string& unit) const {
        const auto options = target.units().at(unit).options;
        return options == version("v1")->options ? "v1" : options == version("v2")->options ? "v2" : "other";
    }
    [[nodiscard]] Outcome outcome_of(const std::string& service) const {
        const auto found = std::find_if(end.groups.begin(), end.groups.end(),
                                        [&](const auto& group) { return group.service == service; });
        return found == end.groups.end() ? Outcome::applied : found->outcome;
    }
};

}  // namespace

TEST_CASE("with rollback, what was changed goes back in reverse order, through the same gates", "[R43][concurrent]") {
    Scene scene;
    scene.rules().on_timeout = OnTimeout::rollback;
    scene.break_version("foo@3.service", "v2");
    std::vector<std::string> before_booking;
    scene.on_book = [&] { before_booking = scene.target.writes(); };
    scene.roll_out();
    CHECK_FALSE(scene.end.error);
    CHECK(scene.outcome_of("foo") == Outcome::rolled_back);
    for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) {
        CHECK(scene.version_of(node) == "v1");
        CHECK(scene.status_of(node) == ChangeStatus::rolled_back);
    }
    CHECK(scene.result_of("foo@3.service").error == "will not become ready: exit code 1");
    CHECK(scene.result_of("foo@1.service").error == "put back: foo@3.service will not become ready: exit code 1");
    const std::vector<std::string> there{"apply foo@1.service", "apply foo@2.service", "apply foo@3.service"};
    auto and_back = there;
    and_back.insert(and_back.end(), there.rbegin(), there.rend());
    CHECK(scene.target.writes() == and_back);
    // What is written down first holds whatever happens later.
    CHECK(before_booking == there);
    CHECK(scene.booked ==
          std::vector<GroupOutcome>{{"foo", Outcome::rolled_back, "foo@3.service will not become ready: exit code 1"}});
}

TEST_CASE("on the way back, too, a node is ready before the next one is touched", "[R43][concurrent]") {
    Scene scene;
    scene.rules().on_timeout = OnTimeout::rollback;
    std::atomic<bool> restoring = false;
    std::atomic<int> looks = 0;
    scene.on_book = [&] { restoring = true; };
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) -> UnitStatus {
        if (unit.name == "foo@2.service" && is_version(unit, "v2")) return {Readiness::failed, "exit code 1"};
        if (restoring && unit.name == "foo@2.service" && ++looks < 5) return {Readiness::waiting, "starting"};
        return status;
    };
    int looks_at_next = 0;
    scene.target.before = [&](const std::string& call) {
        if (restoring && call == "apply foo@1.service") looks_at_next = looks;
    };
    scene.roll_out();
    CHECK(looks_at_next >= 5);
    CHECK(scene.outcome_of("foo") == Outcome::rolled_back);
}

TEST_CASE("what cannot be put back is halted, and says so", "[R43][concurrent]") {
    Scene scene;
    scene.rules().on_timeout = OnTimeout::rollback;
    scene.break_version("foo@2.service", "v2");
    std::atomic<bool> restoring = false;
    scene.on_book = [&] { restoring = true; };
    scene.target.before = [&](const std::string& call) {
        if (restoring && call == "apply foo@2.service") throw Error(ErrorKind::rejected, "no room for it");
    };
    scene.roll_out();
    CHECK(scene.outcome_of("foo") == Outcome::halted);
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::failed);
    CHECK(holds(scene.result_of("foo@2.service").error, "not put back: foo@2.service: no room for it"));
    CHECK(scene.status_of("foo@3.service") == ChangeStatus::skipped);
}

TEST_CASE("a new node has nothing to go back to and stays", "[R43][concurrent]") {
    Scene scene;
    scene.rules().on_timeout = OnTimeout::rollback;
    scene.want("foo@4.service", "v2");
    scene.break_version("foo@1.service", "v2");
    scene.roll_out();
    CHECK(scene.outcome_of("foo") == Outcome::rolled_back);
    CHECK(scene.version_of("foo@1.service") == "v1");
    CHECK(scene.version_of("foo@4.service") == "v2");
    CHECK(scene.status_of("foo@4.service") == ChangeStatus::done);
}

TEST_CASE("a unit that the target refuses is no verdict on its content", "[R43][concurrent]") {
    Scene scene;
    scene.rules().on_timeout = OnTimeout::rollback;
    scene.target.before = [](const std::string& call) {
        if (call == "apply foo@2.service") throw Error(ErrorKind::rejected, "line too long");
    };
    scene.roll_out();
    CHECK(scene.booked.empty());
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
    CHECK(scene.status_of("foo@3.service") == ChangeStatus::skipped);
}

TEST_CASE("the first node of a canary service has to be ready before the others are touched", "[R42][concurrent]") {
    Scene scene;
    scene.rules() = {};
    scene.rules().canary = true;
    SECTION("when it is updated") {}
    SECTION("when it is created") {
        for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) scene.target.remove(node);
    }
    SECTION("and goes") {
        std::atomic<int> looks = 0;
        std::atomic<int> at_second = 0;
        scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
            if (unit.name == "foo@1.service" && is_version(unit, "v2")) ++looks;
            return status;
        };
        scene.target.before = [&](const std::string& call) {
            if (call == "apply foo@2.service") at_second = looks.load();
        };
        scene.roll_out();
        CHECK(at_second == 3);
        for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) {
            CHECK(scene.status_of(node) == ChangeStatus::done);
        }
        return;
    }
    std::atomic<bool> touched = false;
    scene.target.before = [&](const std::string& call) {
        if (call == "apply foo@2.service" || call == "apply foo@3.service") touched = true;
    };
    scene.break_version("foo@1.service", "v2");
    scene.roll_out();
    CHECK_FALSE(touched);
    CHECK(scene.outcome_of("foo") == Outcome::halted);
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
    CHECK(scene.booked.size() == 1);
}

TEST_CASE("no more than max_unavailable nodes of a sequential service are changed and not ready", "[R41][concurrent]") {
    const auto most = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3});
    Scene scene(7);
    scene.policy.max_unavailable = most;
    std::mutex mutex;
    std::set<std::string> down;
    std::map<std::string, int> looks;
    std::size_t most_down = 0;
    scene.target.before = [&](const std::string& call) {
        if (call.rfind("apply ", 0) != 0) return;
        const std::scoped_lock lock(mutex);
        down.insert(call.substr(6));
        most_down = std::max(most_down, down.size());
    };
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) -> UnitStatus {
        if (!is_version(unit, "v2")) return status;
        const std::scoped_lock lock(mutex);
        // It counts as up from the last look that a gate needs.
        if (++looks[unit.name] < 4) return {Readiness::waiting, "starting"};
        if (looks[unit.name] >= 6) down.erase(unit.name);
        return status;
    };
    scene.roll_out();
    CHECK(scene.outcome_of("foo") == Outcome::applied);
    CHECK(most_down == most);
}

TEST_CASE("a node that is down already is changed before one that is up", "[R41][concurrent]") {
    Scene scene;
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        const bool down = unit.name == "foo@3.service" && is_version(unit, "v1");
        return down ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    scene.roll_out();
    CHECK(scene.target.writes() ==
          std::vector<std::string>{"apply foo@3.service", "apply foo@1.service", "apply foo@2.service"});
}

TEST_CASE("a node has to be ready at several looks in a row: one lucky look does not pass", "[R42][concurrent]") {
    Scene scene;
    scene.policy.timeout = 100ms;
    std::atomic<int> looks = 0;
    SECTION("at its state") {
        scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
            const bool up = !is_version(unit, "v2") || ++looks % 3 != 0;
            return up ? status : UnitStatus{Readiness::waiting, "activating (auto-restart)"};
        };
    }
    SECTION("at its health") {
        scene.has_health = true;
        scene.health.judge = [&](const ServiceGroupRef&) {
            return ++looks % 3 != 0 ? HealthReport{Verdict::healthy, {}}
                                    : HealthReport{Verdict::unhealthy, "disk is full"};
        };
    }
    scene.roll_out();
    CHECK(looks > 5);
    CHECK(scene.outcome_of("foo") == Outcome::halted);
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::failed);
    CHECK(scene.version_of("foo@2.service") == "v1");
    CHECK(holds(scene.result_of("foo@1.service").error, "was not ready after 100ms: "));
}

TEST_CASE("an old node that is healthy cannot make a new one pass that is not there", "[R42][concurrent]") {
    Scene scene;
    scene.policy.timeout = 30ms;
    scene.has_health = true;
    scene.break_version("foo@1.service", "v2", Readiness::waiting);
    scene.roll_out();
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::failed);
    CHECK(scene.health.questions() == 0);
}

TEST_CASE("an unhealthy node is waited for in vain, and the report says what the check said", "[R42][concurrent]") {
    Scene scene;
    scene.policy.timeout = 30ms;
    scene.has_health = true;
    scene.health.judge = [](const ServiceGroupRef& group) {
        return HealthReport{Verdict::unhealthy, group.units == std::vector<std::string>{"foo@1.service"}
                                                    ? "paper is not there"
                                                    : "asked for another node"};
    };
    std::vector<std::string> waits;
    scene.events.subscribe([&](const Event& event) {
        if (const auto* wait = std::get_if<WaitingForReady>(&event)) waits.push_back(wait->unit + " " + wait->detail);
    });
    scene.roll_out();
    CHECK(scene.result_of("foo@1.service").error == "was not ready after 30ms: health check: paper is not there");
    CHECK(waits == std::vector<std::string>{"foo@1.service health check: paper is not there"});
}

TEST_CASE("where there is a health check, the sidekick's state does not count", "[R42][concurrent]") {
    Scene scene(1);
    scene.policy.timeout = 30ms;
    scene.has_health = true;
    scene.have("foo-sidekick@1.service", "s1");
    scene.want("foo-sidekick@1.service", "s1");
    scene.target.judge = [](const Unit& unit, const UnitStatus& status) {
        return is_sidekick(unit.name) ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    SECTION("the service has one") {
        scene.roll_out();
        CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
    }
    SECTION("the service has none") {
        scene.health.judge = [](const ServiceGroupRef&) { return HealthReport{Verdict::not_checked, {}}; };
        scene.roll_out();
        CHECK(scene.status_of("foo@1.service") == ChangeStatus::failed);
    }
}

TEST_CASE("a health plugin that cannot tell ends the cycle, and is no verdict on the service", "[R42][concurrent]") {
    Scene scene;
    scene.policy.timeout = 30ms;
    scene.rules().on_timeout = OnTimeout::rollback;
    scene.has_health = true;
    scene.health.judge = [](const ServiceGroupRef&) -> HealthReport {
        throw Error(ErrorKind::unavailable, "etcd does not answer");
    };
    scene.roll_out();
    REQUIRE(scene.end.error);
    CHECK(scene.end.error->kind() == ErrorKind::unavailable);
    CHECK(scene.booked.empty());
    CHECK(scene.version_of("foo@1.service") == "v2");
}

TEST_CASE("a unit that no machine takes is given up after a grace, before the node's time is over",
          "[R42][concurrent]") {
    Scene scene;
    scene.policy.timeout = 1h;
    scene.policy.placement_grace = 20ms;
    scene.break_version("foo@1.service", "v2", Readiness::unplaced);
    scene.rules().on_timeout = GENERATE(OnTimeout::halt, OnTimeout::rollback);
    scene.roll_out();
    CHECK(scene.result_of("foo@1.service").error == "was on no machine after 20ms: exit code 1");
    // It says nothing of the content.
    CHECK(scene.booked.empty());
    CHECK(scene.end.groups.empty());
    CHECK(scene.end.findings.unplaced == std::set<std::string>{"foo@1.service"});
    CHECK(scene.version_of("foo@1.service") == "v2");
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
}

TEST_CASE("what its machine never began says nothing of its content", "[R42][R43][concurrent]") {
    Scene scene;
    scene.policy.timeout = 30ms;
    scene.rules().on_timeout = GENERATE(OnTimeout::halt, OnTimeout::rollback);
    scene.break_version("foo@1.service", "v2", Readiness::pending);
    scene.roll_out();
    CHECK(holds(scene.result_of("foo@1.service").error, "its machine has not begun"));
    CHECK(scene.booked.empty());
    CHECK(scene.end.groups.empty());
    CHECK(scene.target.writes() == std::vector<std::string>{"apply foo@1.service"});

    // From now on it is looked at, and waited for only once its machine begins.
    scene.policy.timeout = 1h;
    scene.orders.unproven = {"foo@1.service"};
    scene.target.forget_calls();
    scene.roll_out();
    CHECK(scene.target.count("status foo@1.service") == 2);
    CHECK(scene.booked.empty());
    REQUIRE(scene.end.findings.not_ready.size() == 1);
    CHECK(scene.end.findings.not_ready[0].detail == "is still not begun by its machine: exit code 1");

    SECTION("when it does, it has all its time") {
        scene.policy.timeout = 500ms;
        std::atomic<int> looks = 0;
        scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
            const bool starts = unit.name == "foo@1.service" && is_version(unit, "v2") && ++looks < 5;
            return starts ? UnitStatus{Readiness::waiting, "activating"} : status;
        };
        std::this_thread::sleep_for(scene.policy.timeout);
        scene.roll_out();
        for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) {
            CHECK(scene.version_of(node) == "v2");
        }
    }
    SECTION("when what it begins fails, that is held against the content") {
        scene.break_version("foo@1.service", "v2");
        scene.roll_out();
        CHECK(scene.booked.size() == 1);
    }
}

TEST_CASE("the time of a node counts from when its machine begins", "[R42][concurrent]") {
    Scene scene(1);
    scene.policy.timeout = 100ms;
    std::atomic<int> looks = 0;
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) -> UnitStatus {
        if (!is_version(unit, "v2") || ++looks > 2) return status;
        if (looks == 1) return {Readiness::pending, "not loaded yet"};
        // Begun when as much time is over as a node has.
        std::this_thread::sleep_for(scene.policy.timeout);
        return {Readiness::waiting, "activating"};
    };
    scene.roll_out();
    CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
}

TEST_CASE("what fails while the target is out of reach now and then is not held against its content",
          "[R42][R43][concurrent]") {
    Scene scene;
    scene.policy.timeout = 300ms;
    scene.rules().on_timeout = GENERATE(OnTimeout::halt, OnTimeout::rollback);
    const auto as = GENERATE(Readiness::failed, Readiness::waiting);
    scene.break_version("foo@1.service", "v2", as);
    std::atomic<int> failures = 2;
    std::atomic<bool> is_changed = false;
    scene.target.before = [&](const std::string& call) {
        if (call == "apply foo@1.service") is_changed = true;
        if (is_changed && call == "status foo@1.service" && failures-- > 0) {
            throw Error(ErrorKind::unavailable, "etcd is away");
        }
    };
    scene.roll_out();
    CHECK_FALSE(scene.end.error);
    CHECK(holds(scene.result_of("foo@1.service").error, "it could not be looked at for a while"));
    CHECK(scene.booked.empty());
    CHECK(scene.end.findings.shaken == std::set<std::string>{"foo"});
    CHECK(scene.status_of("foo@2.service") == ChangeStatus::skipped);
}

TEST_CASE("a newer revision ends the waits and begins nothing more", "[R44][concurrent]") {
    Scene scene;
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
        // Another 40 ms than what is over already: the wait began before.
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

TEST_CASE("a wait keeps no thread: with a single one, a service that waits for another is not in its way",
          "[R40][concurrent]") {
    Scene scene;
    scene.policy.parallelism = 1;
    for (int i = 0; i < 20; ++i) {
        const auto service = "bar" + std::to_string(i);
        scene.have(service + ".service", "v1");
        scene.want(service + ".service", "v2");
        scene.rules(service).sequential = true;
    }
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
        // Each is ready only once the last one of all was changed.
        const bool last_is_there = scene.target.count("apply foo@3.service") > 0;
        const bool is_bar = unit.name.rfind("bar", 0) == 0;
        return is_bar && is_version(unit, "v2") && !last_is_there ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    scene.roll_out();
    for (const auto& result : scene.results) CHECK(result.status == ChangeStatus::done);
}

TEST_CASE("a sequential service that is new is not created when it is there after all, and others go on",
          "[R41][concurrent]") {
    Scene scene;
    scene.want("bar.service", "v1");
    scene.rules("bar").sequential = true;
    const ActualState listing_without_it;
    const auto plan = make_plan(scene.wanted, listing_without_it, {});
    scene.results = report_of(plan, scene.wanted).changes;
    bool goes_soon = false;
    SECTION("when it stays") {}
    SECTION("when it was just destroyed, and goes") {
        goes_soon = true;
        scene.target.before = [&, looks = 0](const std::string& call) mutable {
            if (call != "status foo@1.service" || ++looks != 3) return;
            for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) scene.target.remove(node);
        };
        scene.policy.parallelism = 1;
    }
    const Calls calls{scene.stop.get_token(), scene.log, 5s};
    Rollout rollout({scene.target, nullptr, scene.policy, calls, scene.events, scene.starts, {}}, scene.results);
    const auto end = rollout.run(make_rollout_groups(plan, scene.policy));
    CHECK_FALSE(end.error);
    CHECK(scene.status_of("bar.service") == ChangeStatus::done);
    if (goes_soon) {
        CHECK(end.groups.empty());
        CHECK(scene.target.units().size() == 4);
        return;
    }
    CHECK(scene.target.writes() == std::vector<std::string>{"apply bar.service"});
    REQUIRE(end.groups.size() == 1);
    CHECK(end.groups[0].service == "foo");
    CHECK(end.groups[0].outcome == Outcome::degraded);
    CHECK(holds(end.groups[0].detail, "foo@1.service is there"));
    for (const auto* node : {"foo@1.service", "foo@2.service", "foo@3.service"}) {
        CHECK(scene.status_of(node) == ChangeStatus::skipped);
    }
}

TEST_CASE("a node that an earlier cycle changed is judged as if this one had", "[R33][R43][concurrent]") {
    Scene scene;
    scene.have("foo@1.service", "v2");
    scene.break_version("foo@1.service", "v2");
    scene.orders.unproven = {"foo@1.service"};
    scene.orders.former["foo@1.service"] = {"foo@1.service", version("v1"), DesiredState::launched};
    SECTION("halt") {
        scene.roll_out();
        CHECK(scene.outcome_of("foo") == Outcome::halted);
        CHECK(scene.booked.size() == 1);
        CHECK(scene.target.writes().empty());
        REQUIRE(scene.end.findings.not_ready.size() == 1);
        CHECK(scene.end.findings.not_ready[0].unit == "foo@1.service");
    }
    SECTION("rollback") {
        scene.rules().on_timeout = OnTimeout::rollback;
        scene.roll_out();
        CHECK(scene.outcome_of("foo") == Outcome::rolled_back);
        CHECK(scene.target.writes() == std::vector<std::string>{"apply foo@1.service"});
        CHECK(scene.version_of("foo@1.service") == "v1");
        CHECK(scene.end.findings.not_ready.empty());
    }
    SECTION("also when it was the last, and nothing is left to change") {
        for (const auto* node : {"foo@2.service", "foo@3.service"}) scene.have(node, "v2");
        scene.roll_out();
        CHECK(scene.outcome_of("foo") == Outcome::halted);
        CHECK(scene.booked.size() == 1);
    }
    SECTION("while one that was seen ready before only holds things up") {
        scene.orders.unproven.clear();
        scene.policy.timeout = 20ms;
        scene.roll_out();
        CHECK(scene.version_of("foo@2.service") == "v1");
        CHECK(scene.booked.empty());
    }
}

namespace {

/// A sidekick that stops along with its node and runs again only when it was at rest and is launched after that, as
/// where a target looks now and then at what it is told.
class BoundSidekick {
public:
    explicit BoundSidekick(Scene& scene) {
        scene.have(name, "s1");
        scene.want(name, "s1");
        scene.target.before = [this](const std::string& call) {
            const std::lock_guard lock(mutex_);
            if (call == "apply foo@1.service") runs_ = false;
            if (call == "set foo-sidekick@1.service launched" && was_seen_at_rest_) runs_ = !is_broken;
        };
        scene.target.judge = [this](const Unit& unit, const UnitStatus& status) { return judge(unit, status); };
    }

    [[nodiscard]] bool runs() {
        const std::lock_guard lock(mutex_);
        return runs_;
    }

    void stop() {
        const std::lock_guard lock(mutex_);
        runs_ = false;
    }

    static constexpr const char* name = "foo-sidekick@1.service";
    bool is_broken = false;  ///< it does not run whatever is done

private:
    UnitStatus judge(const Unit& unit, const UnitStatus& status) {
        const std::lock_guard lock(mutex_);
        if (unit.name != name || status.readiness != Readiness::ready) return status;
        if (unit.desired_state == DesiredState::launched) {
            return runs_ ? status : UnitStatus{Readiness::waiting, "inactive (dead)"};
        }
        // It takes its time.
        if (++looks_at_rest_ < 3) return {Readiness::waiting, "inactive, but still stopping"};
        was_seen_at_rest_ = true;
        return status;
    }

    std::mutex mutex_;
    bool runs_ = true;
    bool was_seen_at_rest_ = false;
    int looks_at_rest_ = 0;
};

}  // namespace

TEST_CASE("a sidekick that stopped along with its node is started once more", "[R42][concurrent]") {
    Scene scene(1);
    BoundSidekick sidekick(scene);
    const std::vector<std::string> restarted{"apply foo@1.service", "set foo-sidekick@1.service inactive",
                                             "set foo-sidekick@1.service launched"};
    SECTION("without a health check the gate waits for it") {
        scene.roll_out();
        CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
        CHECK(sidekick.runs());
        CHECK(scene.target.writes() == restarted);
        CHECK(scene.end.findings.not_ready.empty());
    }
    SECTION("with one as well, though its state does not count") {
        scene.has_health = true;
        scene.roll_out();
        CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
        CHECK(sidekick.runs());
        CHECK(scene.target.writes() == restarted);
        CHECK(scene.end.findings.not_ready.empty());
    }
    SECTION("and is told when that was in vain") {
        scene.has_health = true;
        sidekick.is_broken = true;
        scene.roll_out();
        CHECK(scene.status_of("foo@1.service") == ChangeStatus::done);
        CHECK(scene.target.writes() == restarted);
        REQUIRE(scene.end.findings.not_ready.size() == 1);
        CHECK(scene.end.findings.not_ready[0] == NotReady{"foo-sidekick@1.service", "inactive (dead)", false});
    }
    SECTION("once: one that stays down ends the wait as before") {
        sidekick.is_broken = true;
        scene.policy.timeout = 300ms;
        scene.roll_out();
        CHECK(scene.result_of("foo@1.service").error ==
              "foo-sidekick@1.service was not ready after 300ms: inactive (dead)");
        CHECK(scene.target.writes() == restarted);
    }
}

TEST_CASE("a newer revision leaves no sidekick at rest that was being started once more", "[R33][R44][concurrent]") {
    Scene scene(1);
    scene.policy.timeout = 1min;
    BoundSidekick sidekick(scene);
    scene.target.judge = [judge = scene.target.judge](const Unit& unit, const UnitStatus& status) {
        const bool asks_for_rest = unit.desired_state == DesiredState::inactive;
        return asks_for_rest ? UnitStatus{Readiness::waiting, "still stopping"} : judge(unit, status);
    };
    scene.attend = [&](Rollout& rollout, const std::stop_token& finished) {
        while (scene.target.count("set foo-sidekick@1.service inactive") == 0 && !finished.stop_requested()) {
            std::this_thread::sleep_for(1ms);
        }
        rollout.supersede("superseded by revision r2");
    };
    scene.roll_out();
    CHECK(scene.target.units().at("foo-sidekick@1.service").desired_state == DesiredState::launched);
}

TEST_CASE("a sidekick at rest whose status the target refuses to tell is launched all the same",
          "[R33][R42][concurrent]") {
    const auto kind = GENERATE(ErrorKind::rejected, ErrorKind::not_found, ErrorKind::misconfigured);
    CAPTURE(to_string(kind));
    Scene scene(1);
    scene.policy.timeout = 100ms;
    BoundSidekick sidekick(scene);
    scene.target.judge = [kind, judge = scene.target.judge](const Unit& unit, const UnitStatus& status) {
        if (unit.desired_state == DesiredState::inactive) throw Error(kind, "no such thing");
        return judge(unit, status);
    };
    scene.roll_out();
    CHECK(scene.target.count("set foo-sidekick@1.service inactive") == 1);
    CHECK(scene.target.units().at("foo-sidekick@1.service").desired_state == DesiredState::launched);
}

TEST_CASE("what failed is launched only after it was seen at rest, when somebody has it tried again",
          "[R43][concurrent]") {
    Scene scene(1);
    scene.have("foo@1.service", "v2");
    scene.orders.unproven = {"foo@1.service"};
    scene.orders.retried = {"foo"};
    std::mutex mutex;
    int looks_at_rest = 0;
    bool runs = false;
    scene.target.before = [&](const std::string& call) {
        const std::lock_guard lock(mutex);
        runs = runs || (call == "set foo@1.service launched" && looks_at_rest >= 3);
    };
    scene.target.judge = [&](const Unit& unit, const UnitStatus& status) {
        const std::lock_guard lock(mutex);
        if (unit.desired_state == DesiredState::launched) {
            return runs ? status : UnitStatus{Readiness::failed, "failed (failed)"};
        }
        return ++looks_at_rest < 3 ? UnitStatus{Readiness::waiting, "still stopping"} : status;
    };
    scene.roll_out();
    CHECK(runs);
    CHECK(scene.target.writes() ==
          std::vector<std::string>{"set foo@1.service inactive", "set foo@1.service launched"});
    CHECK(scene.booked.empty());
    CHECK(scene.end.findings.not_ready.empty());
}

TEST_CASE("a sidekick that stopped when its node failed is started with the node, when somebody has it tried again",
          "[R43][concurrent]") {
    Scene scene(2);
    BoundSidekick sidekick(scene);
    for (const auto* const unit : {"foo@1.service", "foo@2.service"}) scene.have(unit, "v2");
    scene.have("foo-sidekick@2.service", "s1");
    scene.want("foo-sidekick@2.service", "s1");
    scene.orders.unproven = {"foo@1.service", "foo-sidekick@1.service", "foo@2.service", "foo-sidekick@2.service"};
    scene.orders.retried = {"foo"};
    sidekick.stop();
    std::atomic<bool> has_failed = true;
    scene.target.judge = [&, judge = scene.target.judge](const Unit& unit, const UnitStatus& status) {
        if (unit.name == "foo@1.service" && unit.desired_state == DesiredState::inactive) has_failed = false;
        const bool is_down = unit.name == "foo@1.service" && has_failed;
        return is_down ? UnitStatus{Readiness::failed, "failed (failed)"} : judge(unit, status);
    };
    scene.roll_out();
    CHECK(sidekick.runs());
    CHECK(scene.end.findings.not_ready.empty());
    CHECK(scene.target.count("set foo-sidekick@1.service inactive") == 1);
    CHECK(scene.target.count("set foo@2.service inactive") == 0);
}

TEST_CASE("what is to be tried again is left launched, whatever the target says of it at rest",
          "[R33][R43][concurrent]") {
    const auto kind = GENERATE(ErrorKind::rejected, ErrorKind::unavailable);
    Scene scene(1);
    scene.policy.timeout = 100ms;
    scene.have("foo@1.service", "v2");
    scene.orders.unproven = {"foo@1.service"};
    scene.orders.retried = {"foo"};
    scene.target.judge = [&](const Unit& unit, const UnitStatus&) {
        if (unit.desired_state == DesiredState::inactive) throw Error(kind, "no such thing");
        return UnitStatus{Readiness::failed, "failed (failed)"};
    };
    scene.roll_out();
    CHECK(scene.target.count("set foo@1.service inactive") == 1);
    CHECK(scene.target.units().at("foo@1.service").desired_state == DesiredState::launched);
}
