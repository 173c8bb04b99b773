#include "rollout/rollout.hpp"

#include "support/catch.hpp"
#include "support/rollout_scene.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("on create a node comes before its sidekick", "[R40][concurrent]") {
    RolloutScene scene;
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
    RolloutScene scene;
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
    RolloutScene scene;
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
        // Waits until three calls are under way; with fewer at once the rollout would wait in vain.
        if (most < 3) all_there.wait_for(lock, 10s, [&] { return most >= 3; });
        --now;
    };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(most == 3);
}

TEST_CASE("a serial target is called by one thread at a time", "[R8][concurrent]") {
    RolloutScene scene;
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
    RolloutScene scene;
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
        if (unit.options == version("v1")->options) return status;
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

TEST_CASE("a sequential service that changes its desired state goes node by node too", "[R41][concurrent]") {
    RolloutScene scene;
    scene.wanted.rules["foo"].sequential = true;
    for (const auto* name : {"foo@1.service", "foo@2.service"}) {
        scene.have(name, "v1");
        scene.wanted.units.push_back({name, version("v1"), DesiredState::loaded});
    }
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.position("set foo@1.service loaded") < scene.position("status foo@1.service"));
    CHECK(scene.position("status foo@1.service") < scene.position("set foo@2.service loaded"));
}

TEST_CASE("changes begin in the order of the plan", "[R21][concurrent]") {
    RolloutScene scene;
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
    RolloutScene scene;
    scene.policy.timeout = 20ms;
    scene.have("old.service", "v1");
    scene.want("new.service", "v1");
    scene.target.judge = [](const Unit&, const UnitStatus&) { return UnitStatus{Readiness::waiting, "starting"}; };
    REQUIRE_FALSE(scene.roll_out());
    CHECK(scene.result_of("new.service").error == "was not ready after 20ms: starting");
}

TEST_CASE("removed nodes go from the highest number down, and one that cannot be destroyed stops no other",
          "[R21][concurrent]") {
    RolloutScene scene;
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
    RolloutScene scene;
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
