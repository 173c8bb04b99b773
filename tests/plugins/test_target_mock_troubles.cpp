#include "support/mock_target.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace deployer::mock_target;
using namespace std::chrono_literals;

TEST_CASE("mock: units named by `fail` fail when they are launched, and say so") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("fail: ['bad-*', 'worse@[12].service']");
    for (const auto* name : {"bad-one.service", "worse@2.service"}) {
        const auto unit = unit_running(name, "/bin/bad");
        target->apply(unit, call);
        const auto status = target->status(unit, call);
        CHECK(status.readiness == Readiness::failed);
        CHECK(status.detail == "failed");
        const auto loaded = unit_running(name, "/bin/bad", DesiredState::loaded);
        target->apply(loaded, call);
        CHECK(target->status(loaded, call).readiness == Readiness::ready);
    }
    const auto other = unit_running("worse@3.service", "/bin/good");
    target->apply(other, call);
    CHECK(target->status(other, call).readiness == Readiness::ready);
}

TEST_CASE("mock: units that fail do so after the delay") {
    const MockCluster cluster;
    const TestCall call;
    const auto unit = unit_running("bad.service", "/bin/bad");
    const auto slow = cluster.open("delay: 1h\nfail: [bad.service]");
    slow->apply(unit, call);
    CHECK(slow->status(unit, call).readiness == Readiness::waiting);
    const auto other = unit_running("bad.service", "/bin/worse");
    const auto quick = cluster.open("delay: 1ms\nfail: [bad.service]");
    quick->apply(other, call);
    CHECK(wait_until_settled(*quick, other).readiness == Readiness::failed);
}

TEST_CASE("mock: units named by `never_ready` stay waiting, also when they ran before") {
    const MockCluster cluster;
    const TestCall call;
    cluster.open()->apply(unit_running("stuck.service", "/bin/old"), call);
    const auto target = cluster.open("never_ready: [stuck*]");
    const auto unit = unit_running("stuck.service", "/bin/new");
    target->apply(unit, call);
    CHECK(target->status(unit, call).readiness == Readiness::waiting);
    CHECK(target->list(call)[0].current_state == "inactive");
    CHECK_FALSE(holds(cluster.text(), "pending"));
}

TEST_CASE("mock: units named by `refuse` are rejected, others are not") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("refuse: ['foo@*']");
    const auto problem = thrown_by([&] { target->apply(unit_running("foo@1.service", "/bin/foo"), call); });
    CHECK(problem.kind() == ErrorKind::rejected);
    CHECK(says(problem, "refuse"));
    target->apply(unit_running("bar.service", "/bin/bar"), call);
    CHECK(cluster.names() == std::vector<std::string>{"bar.service"});
}

TEST_CASE("mock: every nth call is unavailable and does nothing") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("unavailable_every: 3");
    target->apply(unit_running("a.service", "/bin/a"), call);
    target->apply(unit_running("b.service", "/bin/b"), call);
    const auto problem = thrown_by([&] { target->apply(unit_running("c.service", "/bin/c"), call); });
    CHECK(problem.kind() == ErrorKind::unavailable);
    CHECK(says(problem, "unavailable_every"));
    CHECK(target->list(call).size() == 2);
    target->destroy("a.service", call);
    CHECK(thrown_by([&] { target->list(call); }).kind() == ErrorKind::unavailable);
    CHECK(cluster.names() == std::vector<std::string>{"b.service"});
}

TEST_CASE("mock: every nth listing leaves units out, and says so in the log") {
    const MockCluster cluster;
    TestCall call;
    const auto target = cluster.open("incomplete_list_every: 2");
    for (int node = 1; node <= 6; ++node) {
        target->apply(unit_running("foo@" + std::to_string(node) + ".service", "/bin/foo"), call);
    }
    CHECK(target->list(call).size() == 6);
    CHECK(call.log().lines().empty());
    const auto some = target->list(call);
    CHECK(call.log().holds("leaves 2 of 6 units out"));
    REQUIRE(some.size() == 4);
    CHECK(some[0].unit.name == "foo@2.service");
    CHECK(some[3].unit.name == "foo@5.service");
    CHECK(target->list(call).size() == 6);
    CHECK(cluster.units().size() == 6);
}

TEST_CASE("mock: a slow call ends at its deadline and at stop, without effect [R8]", "[R8]") {
    const MockCluster cluster;
    const auto target = cluster.open("latency: 1h");
    const auto unit = unit_running("foo.service", "/bin/foo");
    SECTION("deadline") {
        const TestCall call(20ms);
        const auto problem = thrown_by([&] { target->apply(unit, call); });
        CHECK(problem.kind() == ErrorKind::unavailable);
        CHECK(std::string(problem.what()) == "applying a unit did not finish in time");
    }
    SECTION("stop") {
        TestCall call;
        std::jthread stopper([&call] {
            std::this_thread::sleep_for(20ms);
            call.request_stop();
        });
        const auto problem = thrown_by([&] { target->apply(unit, call); });
        CHECK(problem.kind() == ErrorKind::cancelled);
    }
    CHECK_FALSE(cluster.directory().exists("cluster.json"));
}

TEST_CASE("mock: latency delays a call and no more") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("latency: 20ms");
    const auto before = std::chrono::steady_clock::now();
    target->apply(unit_running("foo.service", "/bin/foo"), call);
    CHECK(std::chrono::steady_clock::now() - before >= 20ms);
    CHECK(cluster.units().size() == 1);
}

TEST_CASE("mock: the path of the state file names the cluster, without a look at it") {
    const MockCluster cluster;
    CHECK(cluster.open()->identity() == "mock:" + cluster.file().string());

    const auto& directory = cluster.directory();
    const auto identity_at = [&](const std::string& path) {
        return load_target("target-mock", settings_from("state_file: " + path, directory.path()))->identity();
    };
    const auto name = "mock:" + directory.path("some/state.json").string();
    CHECK(identity_at("some/state.json") == name);
    CHECK(identity_at("some/absent/.././state.json") == name);
    CHECK(identity_at("other.json") != name);
    // The identity stays the same when the directory exists, even as a symbolic link.
    std::filesystem::create_directories(directory.path("real"));
    std::filesystem::create_directory_symlink(directory.path("real"), directory.path("some"));
    CHECK(identity_at("some/state.json") == name);
}

TEST_CASE("mock: what the README gives to try shows what it says") {
    using Changes = std::vector<std::string>;
    const auto rows = settings_to_try();
    CHECK(rows.size() == 5);
    const auto settings = GENERATE_COPY(from_range(rows));
    CAPTURE(settings);
    const Demo demo(settings);
    INFO(demo.first().err);
    if (settings.starts_with("  never_ready")) {
        CHECK(demo.first().status == 0);
        CHECK(demo.update() == Changes{"update press@1.service skipped", "update press@2.service failed",
                                       "update press@3.service skipped"});
    } else if (settings.starts_with("  fail")) {
        CHECK(demo.first().status == 0);
        CHECK(demo.update() == Changes{"update press@1.service failed", "update press@2.service skipped",
                                       "update press@3.service skipped"});
    } else if (settings.starts_with("  refuse")) {
        const auto changes = changes_of(demo.first());
        CHECK(std::count(changes.begin(), changes.end(), "create press@1.service failed") == 1);
        CHECK(demo.size() == 9);
    } else if (settings.starts_with("  unavailable_every")) {
        CHECK(demo.first().status == 1);
        CHECK(demo.size() < 10);
        CHECK(eventually([&] { return demo.once().status == 0; }));
        CHECK(demo.size() == 10);
    } else {
        CHECK(settings.starts_with("  incomplete_list_every"));
        CHECK(demo.first().status == 0);
        const auto changes = demo.update();
        CHECK(std::count(changes.begin(), changes.end(), "create lighthouse.service done") == 1);
        CHECK(demo.size() == 10);
    }
}

TEST_CASE("mock: settings are checked [R6]", "[R6]") {
    check_refused("delay: 2s", "state_file");
    check_refused("state_file: /tmp/", "state_file");
    check_refused("state_file: /tmp/x\ndelay: soon", "delay");
    check_refused("state_file: /tmp/x\nlatency: 5 parsecs", "latency");
    check_refused("state_file: /tmp/x\nfail: {a: b}", "fail");
    check_refused("state_file: /tmp/x\nunavailable_every: -1", "unavailable_every");
    check_refused("state_file: /tmp/x\nincomplete_list_every: often", "incomplete_list_every");
    check_refused("state_file: /tmp/x\nnever_redy: [a]", "never_ready");
}
