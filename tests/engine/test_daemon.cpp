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
