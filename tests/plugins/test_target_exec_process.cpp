#include "support/exec_program.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace deployer::exec_target;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

TEST_CASE("exec: a program that ends fails its calls with how, and is started anew by the next one") {
    for (const auto& [behaviour, complaint] : std::vector<std::pair<std::string, std::string>>{
             {"exit-at=2", "odd-program\" exited with 3"},
             {"crash-at=2", "odd-program\" was ended by signal 11 (Segmentation fault)"},
             {"half-at=2", "odd-program\" exited with 0"}}) {
        const TempDir directory;
        const auto target = load_odd({behaviour, "starts=starts"}, "", directory.path());
        const TestCall call;
        target->list(call);
        const auto error = failure_of(*target);
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, complaint));
        CHECK(target->status(foo, call).readiness == Readiness::ready);
        CHECK(lines_of(directory, "starts").size() == 2);
    }
}

TEST_CASE("exec: where something else buries the program, its calls fail all the same") {
    const auto former = std::signal(SIGCHLD, SIG_IGN);
    const auto target = load_odd({"exit-at=1"}, "restart_pause: 0");
    const std::vector<std::string> failures{failure_of(*target).what(), failure_of(*target).what()};
    std::signal(SIGCHLD, former);
    for (const auto& failure : failures) CHECK(holds(failure, "odd-program\" is gone"));
}

TEST_CASE("exec: how a program ended is known, whatever the deployer was started with") {
    const TempDir directory;
    directory.write("source/services.yaml", "services: []\n");
    const auto config = directory.write("config.yaml",
                                        "source: {plugin: source-file, path: source, settle: 20ms}\n"
                                        "target: {plugin: target-exec, command: [sh, -c, exit 7]}\n"
                                        "cache: {plugin: cache-file, path: cache}\n");
    Program once({"--ignore-signal=CHLD", DEPLOYER_TEST_PROGRAM, "once", "--config", config.string()}, "/usr/bin/env");
    CHECK(once.wait() != 0);
    CHECK(holds(once.out() + once.err(), "program \"sh\" exited with 7 before it said hello"));
}

TEST_CASE("exec: a program that has closed its input ends no deployer by a signal") {
    const auto target = load_odd({"closes-input"}, "restart_pause: 0");
    for (int i = 0; i < 3; ++i) {
        const auto error = failure_of(*target);
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(says(error, "closed its standard input"));
    }
}

TEST_CASE("exec: a program that ends over and over is waited with, longer and longer, until deadline or stop") {
    const TempDir directory;
    const auto target = load_odd({"exit-at=1", "starts=starts"}, "restart_pause: 150ms", directory.path());
    const auto begin = Clock::now();
    for (int i = 0; i < 4; ++i) CHECK(says(failure_of(*target), "exited with 3"));
    // After its first end the program is started again at once; the later pauses double.
    CHECK(Clock::now() - begin >= 150ms + 300ms);
    CHECK(lines_of(directory, "starts").size() == 4);

    const auto patient = load_odd({"exit-at=1"}, "restart_pause: 1h");
    for (int i = 0; i < 2; ++i) CHECK(says(failure_of(*patient), "exited with 3"));
    std::string late;
    // Earlier calls may run out of time while they wait for the end of the program.
    REQUIRE(eventually([&] {
        const TestCall hasty(50ms);
        const auto error = thrown_by([&] { patient->list(hasty); });
        late = error.what();
        return error.kind() == ErrorKind::unavailable && late.starts_with("waiting to start it again (program ");
    }));
    CHECK(holds(late, "exited with 3) did not finish in time"));
    TestCall stopped;
    std::jthread stopper([&] { stopped.request_stop(); });
    CHECK(thrown_by([&] { patient->list(stopped); }).kind() == ErrorKind::cancelled);
}

TEST_CASE("exec: a call ends at its deadline or a stop, whatever the program does") {
    const auto behaviour = GENERATE(as<std::string>(), "cancels", "ignores", "deaf");
    const bool stops = GENERATE(true, false);
    INFO(behaviour << stops);
    const TempDir directory;
    const auto target = load_odd({behaviour, "silent-at=1", "starts=starts"}, "", directory.path());
    TestCall call(stops ? 30'000ms : 100ms);
    // The unit is larger than any pipe's buffer.
    const Unit large{"foo.service", {{"Service", "ExecStart", std::string(2'000'000, 'x')}}, DesiredState::launched};
    std::jthread stopper([&] {
        if (stops && eventually([&] { return !lines_of(directory, "starts").empty(); })) call.request_stop();
    });
    const auto begin = Clock::now();
    const auto error = thrown_by([&] { target->apply(large, call); });
    CHECK(Clock::now() - begin < 10s);
    CHECK(error.kind() == (stops ? ErrorKind::cancelled : ErrorKind::unavailable));
}

TEST_CASE("exec: a program that does not answer a call that was given up is ended, one that does lives on") {
    const TempDir directory;
    const TestCall call;
    const auto fail_hastily = [](Target& target) {
        const TestCall hasty(100ms);
        return thrown_by([&] { target.status(foo, hasty); });
    };
    const auto lives = [&] { return lines_of(directory, "starts").size(); };

    const auto deaf = load_odd({"silent-at=2", "starts=starts"}, "", directory.path());
    deaf->list(call);
    CHECK(says(fail_hastily(*deaf), "odd-program\" did not answer in time"));
    deaf->list(call);
    CHECK(lives() == 2);

    directory.remove("starts");
    const auto obedient = load_odd({"silent-at=1", "cancels", "starts=starts"}, "", directory.path());
    const auto is_answered = [&] {
        const std::string message = fail_hastily(*obedient).what();
        return message.starts_with("program ") && message.ends_with(" did not finish in time");
    };
    // On a busy machine the answer to a cancel may come too late, so this is tried again.
    CHECK(eventually([&] {
        const auto before = lives();
        return is_answered() && is_answered() && lives() == std::max<std::size_t>(before, 1);
    }));
}

TEST_CASE("exec: a call that is cancelled or late from the start reaches no program") {
    const TempDir directory;
    const auto target = load_odd({"starts=starts"}, "", directory.path());
    TestCall stopped;
    stopped.request_stop();
    CHECK(thrown_by([&] { target->list(stopped); }).kind() == ErrorKind::cancelled);
    const TestCall late(0ms);
    CHECK(thrown_by([&] { target->list(late); }).kind() == ErrorKind::unavailable);
    CHECK_FALSE(directory.exists("starts"));
}

TEST_CASE("exec: the program and what it started end with the target, even those that do not want to") {
    const auto behaviour = GENERATE(as<std::string>(), "usual", "stubborn", "deaf", "silent-at=1");
    const TempDir directory;
    auto target = load_odd({behaviour, "starts=starts", "child=child"}, "", directory.path());
    const TestCall call(behaviour == "deaf" || behaviour == "silent-at=1" ? 100ms : 30'000ms);
    try {
        target->list(call);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unavailable);
    }
    REQUIRE(eventually([&] { return !lines_of(directory, "child").empty(); }));
    const auto begin = Clock::now();
    target.reset();
    CHECK(Clock::now() - begin < 8s);
    for (const auto& pid : lines_of(directory, "starts")) CHECK_FALSE(is_running(pid));
    const auto child = lines_of(directory, "child").front();
    // A zombie is good enough, because another process has to reap the child.
    CHECK(eventually([&] {
        std::ifstream stat("/proc/" + child + "/stat");
        std::string text;
        return !std::getline(stat, text) || text.find(") Z ") != std::string::npos;
    }));
}

TEST_CASE("exec: what the program says goes into the log of a call") {
    TestCall call;
    const auto target = load_odd({"says=a\\x1b[31mb", R"(before={"log":"warning","message":"look\nhere"})"});
    target->list(call);
    CHECK(call.log().holds("warning: look\\x0ahere"));
    // Lines of standard error and standard output arrive in no fixed order.
    CHECK(eventually([&] {
        target->list(call);
        return call.log().holds("info: a\\x1b[31mb");
    }));
    CHECK(says(failure_of(*load_odd({R"(before={"log":7,"message":"x"})"})), "log is no text"));

    SECTION("what it says between two calls, into that of the next one") {
        const auto slow = load_odd({"says-after=later"});
        TestCall first;
        slow->list(first);
        CHECK(eventually([&] {
            slow->list(first);
            return first.log().holds("info: later");
        }));
    }
    SECTION("what it says too much is counted") {
        const auto loud = load_odd({"says-much"});
        TestCall loud_call;
        loud->list(loud_call);
        CHECK(eventually([&] {
            const TestCall quiet;
            try {
                loud->list(loud_call);
            } catch (const Error&) {
                return false;
            }
            return loud_call.log().holds("lines of the program are left out here");
        }));
        CHECK(loud_call.log().holds("info: line 0"));
        CHECK(loud_call.log().lines().size() < 900);
    }
}

TEST_CASE("exec: last words of a program that dies are in the log before its call has failed") {
    const auto target = load_target("target-exec", "command: [sh, -c, 'echo no such module >&2; exit 1']");
    TestCall call;
    CHECK(says(thrown_by([&] { target->list(call); }), "exited with 1"));
    CHECK(call.log().holds("info: no such module"));
}

TEST_CASE("exec: calls from many threads go to a program as many at once as it takes", "[concurrent][R8]") {
    const auto [hello, reverse] = GENERATE(table<std::string, std::string>({{"", "reverse=1"},
                                                                            {R"(,"concurrent":false)", "reverse=1"},
                                                                            {R"(,"concurrent":4)", "reverse=4"},
                                                                            {R"(,"concurrent":true)", "reverse=8"}}));
    const auto target = load_odd({R"(hello={"hello":"odd","protocol":1)" + hello + "}", reverse,
                                  R"(status={"id":@,"result":{"readiness":"waiting","detail":"@"}})"});
    const TestCall call;
    std::atomic<int> left = 32;
    std::mutex mutex;
    std::set<std::string> details;
    std::vector<std::string> failures;
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            while (left-- > 0) {
                try {
                    const auto detail = target->status(foo, call).detail;
                    const std::scoped_lock lock(mutex);
                    details.insert(detail);
                } catch (const Error& error) {
                    const std::scoped_lock lock(mutex);
                    failures.emplace_back(error.what());
                }
            }
        });
    }
    threads.clear();
    CHECK(failures.empty());
    CHECK(details.size() == 32);
}

TEST_CASE("exec: threads survive a program that ends among them, and a call that waits for its turn can be cancelled",
          "[concurrent]") {
    const auto target =
        load_odd({R"(hello={"hello":"odd","protocol":1,"concurrent":true})", "exit-at=20"}, "restart_pause: 0");
    const TestCall call;
    std::atomic<int> answered = 0;
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int done = 0; done < 20;) {
                try {
                    target->status(foo, call);
                    ++done;
                    ++answered;
                } catch (const Error&) {
                    continue;
                }
            }
        });
    }
    threads.clear();
    CHECK(answered == 160);

    const auto busy = load_odd({"silent-at=1", "cancels"});
    TestCall first;
    TestCall second;
    std::atomic<int> cancelled = 0;
    for (auto* const one : {&first, &second}) {
        threads.emplace_back([&, one] {
            try {
                busy->status(foo, *one);
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::cancelled) ++cancelled;
            }
        });
    }
    second.request_stop();
    first.request_stop();
    threads.clear();
    CHECK(cancelled == 2);
}
