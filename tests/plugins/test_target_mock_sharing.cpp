#include "support/mock_state_file.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace deployer::mock_state_file;
using namespace std::chrono_literals;

TEST_CASE("mock: many threads change one cluster and nothing is lost", "[concurrent]") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open();
    constexpr int count = 373;
    CHECK(run_from_threads(8, count, [&](int number) {
              target->apply(unit_running(node(number), "/bin/foo " + std::to_string(number)), call);
              // The change of a call is in the file when the call returns, and stays there.
              const auto quoted = "\"" + node(number) + "\"";
              if (number % 10 == 0 && cluster.text().find(quoted) == std::string::npos) {
                  throw Error(ErrorKind::internal, "not in the file");
              }
              static_cast<void>(target->status(unit_running(node(number), ""), call));
          }) == 0);
    auto units = cluster.units();
    REQUIRE(units.size() == count);
    for (int number = 0; number < count; ++number) {
        CHECK(units[static_cast<std::size_t>(number)].unit ==
              unit_running(node(number), "/bin/foo " + std::to_string(number)));
    }
    CHECK(run_from_threads(8, count, [&](int number) {
              if (number % 2 == 0) return target->destroy(node(number), call);
              target->set_desired_state(node(number), DesiredState::loaded, call);
              if (target->list(call).size() > count) throw Error(ErrorKind::internal, "too many");
          }) == 0);
    units = cluster.units();
    REQUIRE(units.size() == count / 2);
    for (const auto& actual : units) CHECK(actual.unit.desired_state == DesiredState::loaded);
}

TEST_CASE("mock: a failing call among concurrent ones fails alone", "[concurrent]") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("refuse: [foo@7.service]");
    constexpr int count = 80;
    const auto failures = run_from_threads(8, count, [&](int number) {
        if (number % 10 == 3) return target->set_desired_state("absent.service", DesiredState::loaded, call);
        target->apply(unit_running(node(number), "/bin/foo"), call);
    });
    CHECK(failures == 8 + 1);
    CHECK(cluster.units().size() == count - 8 - 1);
}

TEST_CASE("mock: several deployers change one file and nothing is lost") {
    const MockCluster cluster;
    constexpr int count = 60;
    std::vector<pid_t> children;
    for (int deployer = 0; deployer < 3; ++deployer) {
        const auto child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            try {
                const auto target = cluster.open();
                const TestCall call;
                for (int number = deployer; number < count; number += 3) {
                    target->apply(unit_running(node(number), "/bin/first"), call);
                    target->apply(unit_running(node(number), "/bin/foo"), call);
                }
            } catch (...) {
                ::_exit(1);
            }
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (const auto child : children) {
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
    const auto units = cluster.units();
    REQUIRE(units.size() == count);
    for (const auto& actual : units) CHECK(actual.unit == unit_running(actual.unit.name, "/bin/foo"));
}

TEST_CASE("mock: two instances in one process see each other's changes at once", "[concurrent]") {
    const MockCluster cluster;
    const TestCall call;
    const auto left = cluster.open();
    const auto right = cluster.open();
    for (int round = 0; round < 50; ++round) {
        // Two writes in a row, each as long as the version before. The second file may get the inode number of the file
        // that the other instance has read.
        const auto& writer = round % 2 == 0 ? left : right;
        const auto last = "/bin/" + std::to_string(200 + round);
        writer->apply(unit_running("foo.service", "/bin/" + std::to_string(100 + round)), call);
        writer->apply(unit_running("foo.service", last), call);
        const auto seen = (round % 2 == 0 ? right : left)->list(call);
        REQUIRE(seen.size() == 1);
        REQUIRE(seen[0].unit == unit_running("foo.service", last));
    }
    const auto count = 40;
    CHECK(run_from_threads(8, count, [&](int number) {
              (number % 2 == 0 ? left : right)->apply(unit_running(node(number), "/bin/foo"), call);
          }) == 0);
    CHECK(cluster.units().size() == count + 1);
}

TEST_CASE("mock: a process killed at any moment leaves a whole state file") {
    const MockCluster cluster;
    const TestCall call;
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> pause(0, 4000);
    const std::string padding(1500, 'x');
    for (int number = 0; number < 20; ++number) {
        cluster.open()->apply(unit_running("base@" + std::to_string(number) + ".service", padding), call);
    }
    for (int round = 0; round < 40; ++round) {
        const auto target = cluster.open();
        const auto churn = [&](int step) {
            const auto name = node(step % 5);
            if (step % 3 == 2) return target->destroy(name, call);
            target->apply(unit_running(name, "/bin/" + std::to_string(round) + "/" + std::to_string(step)), call);
        };
        kill_during(churn, std::chrono::microseconds(pause(random)));
        const auto names = cluster.names();
        REQUIRE(names.size() >= 20);
        REQUIRE(names[0] == "base@0.service");
        REQUIRE(names[19] == "base@19.service");
    }
    // The next change removes leftover files, and locks of killed processes do not delay it.
    cluster.directory().write("cluster.json.tmp", "half a fi");
    cluster.open()->apply(unit_running("last.service", "/bin/last"), call);
    CHECK_FALSE(cluster.directory().exists("cluster.json.tmp"));
}

TEST_CASE("mock: waiting for another process ends at the deadline and at stop, without effect [R8]",
          "[R8][concurrent]") {
    const MockCluster cluster;
    const auto target = cluster.open();
    const auto slow = cluster.open("delay: 50ms");
    const auto due = unit_running("due.service", "/bin/due");
    {
        const TestCall call;
        target->apply(unit_running("foo.service", "/bin/foo"), call);
        slow->apply(due, call);
    }
    const FileLock held(cluster.file().string() + ".lock");
    const auto unit = unit_running("bar.service", "/bin/bar");
    SECTION("deadline, for all who wait") {
        const TestCall call(50ms);
        CHECK(run_from_threads(4, 4,
                               [&](int number) { target->apply(unit_running(node(number), "/bin/foo"), call); }) == 4);
        const auto problem = thrown_by([&] { target->apply(unit, TestCall(20ms)); });
        CHECK(problem.kind() == ErrorKind::unavailable);
        CHECK(says(problem, cluster.file().string() + ".lock, which another process holds"));
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
    // Reads need no lock, nor do changes without effect, nor a look at a unit that has become ready meanwhile.
    const TestCall call(5s);
    CHECK(target->list(call).size() == 2);
    while (target->status(due, call).readiness != Readiness::ready) std::this_thread::sleep_for(1ms);
    CHECK(holds(cluster.text(), "pending"));
    CHECK(static_cast<const Call&>(call).remaining() > 0ms);
    target->apply(unit_running("foo.service", "/bin/foo"), call);
    target->destroy("absent.service", call);
}

TEST_CASE("mock: one who gives up waiting does not take others with him", "[concurrent]") {
    const MockCluster cluster;
    const auto target = cluster.open();
    std::optional<FileLock> held(cluster.file().string() + ".lock");
    TestCall impatient;
    const TestCall patient;
    std::atomic<int> given_up = 0;
    std::vector<std::jthread> threads;
    threads.reserve(8);
    const auto start = [&](int number, const Call& call) {
        threads.emplace_back([&, number] {
            try {
                target->apply(unit_running(node(number), "/bin/foo"), call);
            } catch (const Error& problem) {
                if (problem.kind() == ErrorKind::cancelled && &call != &static_cast<const Call&>(patient)) ++given_up;
            }
        });
    };
    for (const int number : {1, 3, 5, 7}) start(number, patient);
    // The pause lets most likely a patient call wait for the lock, and all others for that call. Any order must work.
    std::this_thread::sleep_for(10ms);
    for (const int number : {0, 2, 4, 6}) start(number, impatient);
    std::this_thread::sleep_for(10ms);
    impatient.request_stop();
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (given_up < 4 && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
    CHECK(given_up == 4);
    held.reset();
    threads.clear();
    CHECK(cluster.names() == std::vector<std::string>{node(1), node(3), node(5), node(7)});
}

TEST_CASE("mock: a full disk fails the change and leaves the cluster as it was", "[concurrent]") {
    const TempDir directory;
    const SmallDisk disk(directory.path(), "64k");
    if (!disk.problem().empty()) {
        WARN("skipped: " << disk.problem());
        return;
    }
    const TestCall call;
    const auto file = directory.path("cluster.json");
    const auto target = load_target("target-mock", "state_file: " + file.string());
    std::size_t there = 0;
    const auto problem = thrown_by([&] {
        for (; there < 100; ++there) {
            target->apply(unit_running(node(static_cast<int>(there)), std::string(1000, 'x')), call);
        }
    });
    CHECK(problem.kind() == ErrorKind::unavailable);
    CHECK(says(problem, "cluster.json.tmp: No space left on device"));
    CHECK(target->list(call).size() == there);
    CHECK(load_target("target-mock", "state_file: " + file.string())->list(call).size() == there);
    CHECK_FALSE(directory.exists("cluster.json.tmp"));

    SECTION("and every concurrent one of them") {
        CHECK(run_from_threads(4, 8, [&](int other) {
                  target->apply(unit_running("big@" + std::to_string(other) + ".service", std::string(2000, 'x')),
                                call);
              }) >= 7);
    }
    SECTION("what needs less room goes on") {
        target->destroy(node(0), call);
        CHECK(target->list(call).size() == there - 1);
    }
}
