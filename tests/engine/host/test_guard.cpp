#include "host/guard.hpp"

#include "support/catch.hpp"
#include "support/fake_cache.hpp"
#include "support/fake_source.hpp"
#include "support/fake_target.hpp"
#include "support/test_call.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

template <class Function>
Error error_of(Function&& function) {
    try {
        function();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::internal, "nothing was thrown"};
}

struct Guarded {
    std::stop_source shutdown;
    Watchdog watchdog{{}, shutdown.get_token(), [](const std::string&) {}};
    std::shared_ptr<FakeTarget> fake = std::make_shared<FakeTarget>();
    std::shared_ptr<Target> target = guard(fake, "target-fake", watchdog);
    TestCall call;
};

/// Collects the calls that a watchdog reports, and lets a test wait for them.
class Overruns {
public:
    void add(const std::string& what) {
        const std::scoped_lock lock(mutex_);
        what_.push_back(what);
        changed_.notify_all();
    }
    std::vector<std::string> wait_for_one() {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, 20s, [&] { return !what_.empty(); });
        return what_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> what_;
};

}  // namespace

TEST_CASE("an error of a plugin keeps its kind and says what was being done to which unit", "[R5]") {
    Guarded guarded;
    guarded.fake->before = [](const std::string&) { throw Error(ErrorKind::rejected, "fleet at http://a: no room"); };
    const auto error = error_of([&] { guarded.target->apply({"foo@2.service", {}, {}}, guarded.call); });
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(std::string(error.what()) == "cannot apply foo@2.service: fleet at http://a: no room");
    CHECK(std::string(error_of([&] { (void)guarded.target->list(guarded.call); }).what()).rfind("cannot list", 0) == 0);
    CHECK(std::string(error_of([&] { guarded.target->destroy("x.service", guarded.call); }).what())
              .rfind("cannot destroy x.service: ", 0) == 0);
}

TEST_CASE("anything else that a plugin throws is internal and names the plugin", "[R5]") {
    Guarded guarded;
    SECTION("a standard exception") {
        guarded.fake->before = [](const std::string&) { throw std::runtime_error("oops"); };
    }
    SECTION("no exception at all") {
        guarded.fake->before = [](const std::string&) { throw 42; };
    }
    const auto error = error_of([&] { guarded.target->destroy("x.service", guarded.call); });
    CHECK(error.kind() == ErrorKind::internal);
    CHECK(std::string(error.what()).find("a defect of target-fake") != std::string::npos);
}

TEST_CASE("what a plugin logs bears its name", "[R8]") {
    struct Chatty : FakeTarget {
        std::vector<ActualUnit> list(const Call& call) override {
            call.log.warning("slow today");
            return {};
        }
    };
    std::stop_source shutdown;
    Watchdog watchdog({}, shutdown.get_token(), [](const std::string&) {});
    TestCall call;
    (void)guard(std::make_shared<Chatty>(), "target-chatty", watchdog)->list(call);
    CHECK(call.log().holds("warning: target-chatty: slow today"));
}

TEST_CASE("a source that checks out nothing when asked for anything, or no revision, is a defect", "[R7]") {
    struct Broken : Source {
        struct Empty : Checkout {
            Revision none;
            const Revision& revision() const override { return none; }
            std::vector<File> read(std::span<const FileRequest>, const Call&) override { return {}; }
        };
        bool null = true;
        std::unique_ptr<Checkout> checkout(const Revision&, const Call&) override {
            return null ? nullptr : std::make_unique<Empty>();
        }
    };
    std::stop_source shutdown;
    Watchdog watchdog({}, shutdown.get_token(), [](const std::string&) {});
    TestCall call;
    const auto broken = std::make_shared<Broken>();
    const auto source = guard(broken, "source-broken", watchdog);
    CHECK(error_of([&] { (void)source->checkout({}, call); }).kind() == ErrorKind::internal);
    CHECK(source->checkout({"known"}, call) == nullptr);
    broken->null = false;
    const auto checkout = source->checkout({"known"}, call);
    CHECK(std::string(error_of([&] { (void)checkout->revision(); }).what()) ==
          "a defect of source-broken: its checkout has no revision");
}

TEST_CASE("a checkout is asked for its revision each time, for reading may settle it", "[R7]") {
    struct Settling : Source {
        struct Reading : Checkout {
            Revision now{"0 files"};
            const Revision& revision() const override { return now; }
            std::vector<File> read(std::span<const FileRequest> requests, const Call&) override {
                now.id = std::to_string(requests.size()) + " files";
                return std::vector<File>(requests.size());
            }
        };
        std::unique_ptr<Checkout> checkout(const Revision&, const Call&) override {
            return std::make_unique<Reading>();
        }
    };
    std::stop_source shutdown;
    Watchdog watchdog({}, shutdown.get_token(), [](const std::string&) {});
    TestCall call;
    const auto source = guard(std::make_shared<Settling>(), "source-settling", watchdog);
    const auto checkout = source->checkout({}, call);
    CHECK(checkout->revision().id == "0 files");
    (void)checkout->read(std::vector<FileRequest>{{"a"}, {"b"}}, call);
    CHECK(checkout->revision().id == "2 files");
}

TEST_CASE("what the other side asked for as a pause stays with an error", "[R5]") {
    Guarded guarded;
    guarded.fake->before = [](const std::string&) {
        throw Error(ErrorKind::unavailable, "too many requests").with_retry_after(7s);
    };
    CHECK(error_of([&] { (void)guarded.target->list(guarded.call); }).retry_after() == 7s);
}

TEST_CASE("a call that has no deadline has the grace", "[R8][concurrent]") {
    struct Slow : FakeTarget {
        explicit Slow(Overruns& overruns) : overruns_(overruns) {}
        std::string identity() const override { return overruns_.wait_for_one().at(0); }
        bool serial() const override { return overruns_.wait_for_one().empty(); }
        Overruns& overruns_;
    };
    Overruns overruns;
    std::stop_source shutdown;
    Watchdog watchdog({20ms, 1h}, shutdown.get_token(), [&](const std::string& what) { overruns.add(what); });
    const auto target = guard(std::make_shared<Slow>(overruns), "target-slow", watchdog);
    SECTION("identity") {
        CHECK(target->identity() == "target-slow: cannot tell which cluster this is");
    }
    SECTION("serial") {
        CHECK_FALSE(target->serial());
        CHECK(overruns.wait_for_one().at(0) == "target-slow: cannot tell whether calls may run in parallel");
    }
}

TEST_CASE("a call that outlives its deadline by the grace is named", "[R8][concurrent]") {
    Overruns overruns;
    std::stop_source shutdown;
    Watchdog watchdog({20ms, 1h}, shutdown.get_token(), [&](const std::string& what) { overruns.add(what); });
    const auto fake = std::make_shared<FakeTarget>();
    std::vector<std::string> found;
    fake->before = [&](const std::string&) { found = overruns.wait_for_one(); };
    TestCall call(10ms);
    guard(fake, "target-slow", watchdog)->apply({"foo.service", {}, {}}, call);
    CHECK(found == std::vector<std::string>{"target-slow: cannot apply foo.service"});
}

TEST_CASE("once a shutdown is requested, a call has only the shutdown grace left", "[R8][concurrent]") {
    Overruns overruns;
    std::stop_source shutdown;
    Watchdog watchdog({1h, 20ms}, shutdown.get_token(), [&](const std::string& what) { overruns.add(what); });
    const auto watch = watchdog.watch("target-deaf: cannot list the units", std::chrono::steady_clock::now() + 1h);
    shutdown.request_stop();
    CHECK(overruns.wait_for_one() == std::vector<std::string>{"target-deaf: cannot list the units"});
}

TEST_CASE("a call that ends in time is not named, not even by a shutdown", "[R8][concurrent]") {
    Overruns overruns;
    {
        std::stop_source shutdown;
        Watchdog watchdog({0ms, 0ms}, shutdown.get_token(), [&](const std::string& what) { overruns.add(what); });
        for (int i = 0; i < 100; ++i) {
            const auto watch = watchdog.watch("quick", std::chrono::steady_clock::now() + 1h);
        }
        shutdown.request_stop();
        const auto late = watchdog.watch("late", std::chrono::steady_clock::time_point::max());
        CHECK(overruns.wait_for_one() == std::vector<std::string>{"late"});
    }
}

TEST_CASE("calls of many threads are watched at once", "[R8][concurrent]") {
    std::stop_source shutdown;
    std::atomic<int> overruns = 0;
    Watchdog watchdog({1h, 1h}, shutdown.get_token(), [&](const std::string&) { ++overruns; });
    {
        std::array<std::jthread, 8> threads;
        for (auto& thread : threads) {
            thread = std::jthread([&] {
                for (int k = 0; k < 500; ++k) {
                    const auto watch = watchdog.watch("call", std::chrono::steady_clock::now() + 1s);
                }
            });
        }
    }
    CHECK(overruns == 0);
}

TEST_CASE("a watchdog is silent for as long as no call is under way", "[R8]") {
    std::stop_source shutdown;
    Watchdog watchdog({}, shutdown.get_token(), [](const std::string&) {});
    const auto pass_time = [] { std::this_thread::sleep_for(2ms); };
    pass_time();
    CHECK(watchdog.silence() >= 2ms);
    {
        const auto watch = watchdog.watch("call", std::chrono::steady_clock::now() + 1h);
        pass_time();
        CHECK(watchdog.silence() == 0ms);
    }
    const auto after = watchdog.silence();
    pass_time();
    CHECK(watchdog.silence() >= after + 2ms);
}
