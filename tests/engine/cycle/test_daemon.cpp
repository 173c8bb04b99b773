#include "cycle/daemon.hpp"

#include "support/catch.hpp"

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("pauses between failures grow from a second to a minute, and vary by a quarter", "[R32]") {
    CHECK(retry_pause(1, 0.5) == 1s);
    CHECK(retry_pause(2, 0.5) == 2s);
    CHECK(retry_pause(3, 0.5) == 4s);
    CHECK(retry_pause(50, 0.5) == 60s);
    for (std::size_t failures = 1; failures < 20; ++failures) {
        CHECK(retry_pause(failures, 0.0) == retry_pause(failures, 0.5) * 3 / 4);
        CHECK(retry_pause(failures, 0.999) > retry_pause(failures, 0.5));
        CHECK(retry_pause(failures, 0.999) <= 75s);
    }
}

TEST_CASE("a pause is as long as the other side asks, but no longer than a day", "[R32]") {
    const Error error(ErrorKind::unavailable, "rate limit exceeded");
    CHECK(pause_after(error, 5s) == 5s);
    CHECK(pause_after(error.with_retry_after(7min), 5s) == 7min);
    CHECK(pause_after(error.with_retry_after(1s), 5s) == 5s);
    CHECK(pause_after(error.with_retry_after(-1s), 5s) == 5s);
    CHECK(pause_after(error.with_retry_after(std::chrono::milliseconds::max()), 5s) == 24h);
}

TEST_CASE("a source that changes right after each cycle and asks for nothing rests") {
    ChangeStreak streak;
    for (std::size_t change = 1; change < ChangeStreak::longest; ++change) {
        CHECK_FALSE(streak.follow(true, true, 100ms));
    }

    SECTION("until it no longer does, and the first rest is news") {
        CHECK(streak.follow(true, true, 100ms));
        CHECK(streak.is_news());
        CHECK(streak.follow(true, true, 100ms));
        CHECK_FALSE(streak.is_news());
        CHECK_FALSE(streak.follow(true, true, 2s));
        CHECK_FALSE(streak.follow(true, true, 100ms));
    }
    SECTION("but not one whose changes ask for something") {
        CHECK_FALSE(streak.follow(false, true, 100ms));
        CHECK_FALSE(streak.follow(true, true, 100ms));
    }
    SECTION("nor one that somebody works on, who takes a while") {
        CHECK_FALSE(streak.follow(true, true, 1s));
        CHECK_FALSE(streak.follow(true, true, 100ms));
    }
    SECTION("nor when it was the interval that ended the wait") {
        CHECK_FALSE(streak.follow(true, false, 10ms));
        CHECK_FALSE(streak.follow(true, true, 100ms));
    }
}
