#include "text/quantity.hpp"

#include "support/catch.hpp"

using namespace deployer;
using namespace std::chrono_literals;

TEST_CASE("durations are said as a configuration would have them") {
    CHECK(duration_text(0ms) == "0s");
    CHECK(duration_text(1ms) == "1ms");
    CHECK(duration_text(1500ms) == "1500ms");
    CHECK(duration_text(90s) == "1m30s");
    CHECK(duration_text(5min) == "5m");
    CHECK(duration_text(1h) == "1h");
    CHECK(duration_text(24h) == "1d");
    CHECK(duration_text(49h + 1s) == "2d1h1s");
}
