#include "stream_log.hpp"

#include "support/catch.hpp"

#include <array>
#include <sstream>
#include <thread>

using namespace deployer;

TEST_CASE("a log line has time, level and message, and stays one line") {
    CHECK(format_log_line(LogLevel::warning, "a\nb\x1b[31m", "T", false) == "T warning: a\\x0ab\\x1b[31m\n");
    CHECK(format_log_line(LogLevel::error, "a\nb \"c\"", "T", true) ==
          "{\"time\":\"T\",\"level\":\"error\",\"message\":\"a\\nb \\\"c\\\"\"}\n");
}

TEST_CASE("lines below the level are left out, and the level may change while the program runs", "[concurrent]") {
    std::ostringstream out;
    StreamLog log(out, LogLevel::warning, false);
    log.info("hidden");
    log.change(LogLevel::info, false);
    {
        std::array<std::jthread, 4> threads;
        for (auto& thread : threads) thread = std::jthread([&] { log.info("whole"); });
    }
    const auto text = out.str();
    CHECK(text.find("hidden") == std::string::npos);
    CHECK(std::count(text.begin(), text.end(), '\n') == 4);
}
