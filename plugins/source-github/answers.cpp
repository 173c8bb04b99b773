#include "answers.hpp"

#include <deployer/foreign_text.hpp>

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/Timestamp.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string_view>

namespace deployer::github {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr std::chrono::minutes usual_pause(1);
constexpr std::chrono::hours longest_pause(2);

milliseconds within_reason(milliseconds pause) {
    return std::min<milliseconds>(pause, longest_pause);
}

/// GitHub's message in the body of an error, `{"message": "…"}`; empty when there is none.
std::string message_in(const http::Response& response) {
    constexpr std::size_t longest = 1U << 16U;
    if (response.body.size() > longest || !response.body.starts_with('{')) return {};
    try {
        Poco::JSON::Parser parser;
        const auto root = parser.parse(response.body);
        if (root.type() != typeid(Poco::JSON::Object::Ptr)) return {};
        const auto message = root.extract<Poco::JSON::Object::Ptr>()->get("message");
        return message.isString() ? message.extract<std::string>() : std::string();
    } catch (const Poco::Exception&) {
        return {};
    }
}

/// The time when the rate limit is reset; nullopt while requests remain.
std::optional<system_clock::time_point> reset_of(const http::Response& response) {
    if (response.header("X-RateLimit-Remaining") != "0") return std::nullopt;
    const auto text = response.header("X-RateLimit-Reset");
    std::time_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    constexpr std::time_t far = std::time_t{1} << 33U;
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
    return system_clock::from_time_t(std::min(seconds, far));
}

/// The pause that `Retry-After` of an error asks for; nullopt for other answers.
std::optional<milliseconds> patience_wanted(const http::Response& response) {
    const auto wish = http::retry_after(response);
    return response.status >= 400 && wish ? std::optional(within_reason(*wish)) : std::nullopt;
}

std::string in_utc(system_clock::time_point time) {
    const auto seconds = system_clock::to_time_t(std::chrono::ceil<std::chrono::seconds>(time));
    return Poco::DateTimeFormatter::format(Poco::Timestamp::fromEpochTime(seconds),
                                           Poco::DateTimeFormat::ISO8601_FORMAT);
}

}  // namespace

Error failure(ErrorKind kind, const http::Response& response) {
    auto text = "GET " + http::presentable(response.url) + ": answered " + std::to_string(response.status);
    if (const auto message = message_in(response); !message.empty()) text += ", " + quote(message);
    const auto now = system_clock::now();
    const auto limit = limit_pause(response, now);
    const auto pause = limit || kind != ErrorKind::unavailable ? limit : patience_wanted(response);
    if (!pause) return {kind, text};
    text += limit ? ": too many requests" : ": the server asks to wait";
    text += ", so no request is sent before " + in_utc(now + *pause);
    return Error(ErrorKind::unavailable, text).with_retry_after(*pause);
}

std::optional<milliseconds> limit_pause(const http::Response& response, system_clock::time_point now) {
    if (response.status != 403 && response.status != 429) return std::nullopt;
    if (const auto wish = http::retry_after(response)) return within_reason(*wish);
    if (const auto reset = reset_of(response)) {
        // Prefer the server's clock, because the local clock may be wrong.
        const auto time_there = http::date_of(response).value_or(now);
        // A reset time in the past means that the clocks disagree, not that the limit is over.
        if (*reset <= time_there) return usual_pause;
        return within_reason(std::chrono::ceil<milliseconds>(*reset - time_there));
    }
    const bool says_so = message_in(response).find("secondary rate limit") != std::string::npos;
    const bool used_up = response.header("X-RateLimit-Remaining") == "0";
    if (response.status == 429 || says_so || used_up) return usual_pause;
    return std::nullopt;
}

std::string etag_of(const http::Response& response) {
    const auto tag = response.header("ETag");
    const bool is_plain = std::all_of(tag.begin(), tag.end(), [](char byte) { return byte >= ' ' && byte < '\x7f'; });
    return is_plain ? std::string(tag) : std::string();
}

void Silence::check() const {
    const auto left = std::chrono::ceil<milliseconds>(until_ - steady_clock::now());
    if (error_ && left > milliseconds(0)) throw error_->with_retry_after(left);
}

void Silence::note(const Error& error) {
    if (!error.retry_after()) return;
    until_ = steady_clock::now() + *error.retry_after();
    error_ = error;
}

}  // namespace deployer::github
