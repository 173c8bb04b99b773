#include "rollout/wait_starts.hpp"

#include "support/catch.hpp"

#include <thread>

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("a wait goes on from when it began, for the same content") {
    WaitStarts starts;
    const auto first = starts.begin("foo.service", "v1");
    std::this_thread::sleep_for(2ms);
    CHECK(starts.begin("foo.service", "v1").since == first.since);
    CHECK(starts.begin("foo.service", "v2").since > first.since);
}

TEST_CASE("a wait has all its time again once the former one has ended, was idle, or does not count") {
    WaitStarts starts;
    const auto first = starts.begin("foo.service", "v1");
    CHECK_FALSE(first.was_idle);
    std::this_thread::sleep_for(2ms);
    bool is_idle = false;
    SECTION("ended") {
        starts.end("foo.service");
    }
    SECTION("was idle") {
        starts.end_idle("foo.service");
        is_idle = true;
    }
    SECTION("does not count") {
        starts.clear();
    }
    const auto next = starts.begin("foo.service", "v1");
    CHECK(next.since > first.since);
    CHECK(next.was_idle == is_idle);
    CHECK_FALSE(starts.begin("foo.service", "v2").was_idle);
}

TEST_CASE("what is not waited for has no wait that could have been idle") {
    WaitStarts starts;
    starts.end_idle("foo.service");
    CHECK_FALSE(starts.begin("foo.service", "v1").was_idle);
}
