#include "cycle/answer_watch.hpp"

#include "support/catch.hpp"
#include "support/fake_target.hpp"
#include "support/recording_log.hpp"

#include <deployer/error.hpp>

#include <chrono>
#include <stop_token>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

/// A target that does not answer the first questions.
struct Outage {
    explicit Outage(int questions, ErrorKind kind = ErrorKind::unavailable) {
        target.before = [questions, kind](const std::string& call) mutable {
            if (questions-- > 0) throw Error(kind, "cannot " + call);
        };
    }

    bool wait(std::chrono::milliseconds pause) {
        return wait_for_answer(target, {Clock::now() + pause, stop.get_token(), log}, 1ms);
    }

    FakeTarget target;
    std::stop_source stop;
    RecordingLog log;
};

}  // namespace

TEST_CASE("a pause ends when a target that was out of reach answers again", "[R32]") {
    Outage outage(5);
    const auto begin = Clock::now();
    CHECK(outage.wait(1h));
    CHECK(Clock::now() - begin < 1min);
    CHECK(outage.target.calls().size() == 1);
    CHECK(outage.log.lines().empty());
}

TEST_CASE("a target that answers was not what failed: the pause is as long as it is, and it is asked once", "[R32]") {
    const bool says_no = GENERATE(true, false);
    Outage outage(says_no ? 1 : 0, ErrorKind::rejected);
    const auto begin = Clock::now();
    CHECK_FALSE(outage.wait(30ms));
    CHECK(Clock::now() - begin >= 30ms);
    CHECK(outage.target.calls().size() == (says_no ? 0 : 1));
}

TEST_CASE("a pause in which the target does not come back ends at its time, and at a stop", "[R8][R32]") {
    Outage outage(1'000'000);
    CHECK_FALSE(outage.wait(20ms));
    outage.stop.request_stop();
    CHECK_FALSE(outage.wait(1h));
}
