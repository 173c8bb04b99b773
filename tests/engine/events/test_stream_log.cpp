#include "events/stream_log.hpp"

#include "support/catch.hpp"

#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <thread>

using namespace deployer;

namespace {

/// A buffer whose first write fails, like a disk that is full for a moment.
class FailsOnce final : public std::stringbuf {
protected:
    std::streamsize xsputn(const char* text, std::streamsize size) override {
        if (fails_) {
            fails_ = false;
            return 0;
        }
        return std::stringbuf::xsputn(text, size);
    }

private:
    bool fails_ = true;
};

/// The log line without its time.
std::string without_time(const std::string& line) {
    const auto end_of_time = line.find(' ');
    return end_of_time == std::string::npos ? line : line.substr(end_of_time + 1);
}

}  // namespace

TEST_CASE("a log line has time, level and message, and stays one line") {
    CHECK(format_log_line(LogLevel::warning, "a\nb\x1b[31m", "T", false) == "T warning: a\\x0ab\\x1b[31m\n");
    CHECK(format_log_line(LogLevel::error, "a\nb \"c\"", "T", true) ==
          R"({"time":"T","level":"error","message":"a\\x0ab \"c\""})"
          "\n");
}

TEST_CASE("a log line is UTF-8 whatever is in the message") {
    for (const bool json : {false, true}) {
        const auto line = format_log_line(LogLevel::error, "caf\xe9 \xc3\xa9", "T", json);
        CHECK_FALSE(find_invalid_utf8(line));
        CHECK(line.find(json ? "caf\\\\xe9 \xc3\xa9" : "caf\\xe9 \xc3\xa9") != std::string::npos);
    }
}

TEST_CASE("a line that cannot be written does not silence those after it") {
    FailsOnce buffer;
    std::ostream out(&buffer);
    StreamLog log(out, LogLevel::info, false);
    log.info("lost");
    log.info("kept");
    CHECK(without_time(buffer.str()) == "info: kept\n");
}

TEST_CASE("lines below the level are left out, and the level may change while the program runs", "[concurrent]") {
    std::ostringstream out;
    StreamLog log(out, LogLevel::warning, false);
    log.info("hidden");
    log.change(LogLevel::info, false);
    constexpr std::size_t lines_each = 200;
    const std::array<std::string, 4> messages{"one", std::string(50, '2'), std::string(3000, '3'), "four"};
    {
        std::array<std::jthread, messages.size()> threads;
        const auto* next = messages.begin();
        for (auto& thread : threads) {
            thread = std::jthread([&log, &message = *next++] {
                for (std::size_t k = 0; k < lines_each; ++k) log.info(message);
            });
        }
    }
    std::istringstream in(out.str());
    std::size_t count = 0;
    for (std::string line; std::getline(in, line); ++count) {
        INFO(line);
        const bool whole = std::any_of(messages.begin(), messages.end(), [&](const std::string& message) {
            return without_time(line) == "info: " + message;
        });
        REQUIRE(whole);
    }
    CHECK(count == messages.size() * lines_each);
}
