#include "daemon.hpp"

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
