#include "events/stream_log.hpp"

#include <deployer/foreign_text.hpp>

#include <Poco/DateTimeFormatter.h>
#include <Poco/JSON/Object.h>
#include <Poco/Timestamp.h>

#include <json_document.hpp>

#include <ostream>
#include <sstream>
#include <utility>

namespace deployer {

std::string format_log_line(LogLevel level, std::string_view message, std::string_view time, bool json) {
    if (!json) {
        return std::string(time) + ' ' + std::string(to_string(level)) + ": " + printable(message) + '\n';
    }
    auto object = deployer::json::ordered_object();
    object.set("time", std::string(time));
    object.set("level", std::string(to_string(level)));
    object.set("message", printable(message));
    std::ostringstream out;
    object.stringify(out);
    out << '\n';
    return std::move(out).str();
}

StreamLog::StreamLog(std::ostream& out, LogLevel least, bool json) : out_(out), least_(least), json_(json) {}

void StreamLog::write(LogLevel level, std::string_view message) noexcept try {
    if (level < least_) return;
    const auto time = Poco::DateTimeFormatter::format(Poco::Timestamp(), "%Y-%m-%dT%H:%M:%S.%iZ");
    const auto line = format_log_line(level, message, time, json_);
    const std::lock_guard lock(mutex_);
    // A line that could not be written is lost; the next one may go through.
    out_.clear();
    out_ << line << std::flush;
} catch (...) {
    // There is nowhere left to say that the log cannot be written.
    return;
}

void StreamLog::change(LogLevel least, bool json) {
    least_ = least;
    json_ = json;
}

}  // namespace deployer
