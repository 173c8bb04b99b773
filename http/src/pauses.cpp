#include "pauses.hpp"

#include "http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace deployer::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds first_pause(200);
constexpr milliseconds longest_pause(10'000);
constexpr seconds longest_wish(std::chrono::hours{24 * 365});

std::optional<std::time_t> read_date(std::string_view text) {
    // libcurl's parser would accept a number as a date.
    const bool begins_as_date = !text.empty() && text.front() >= 'A' && text.front() <= 'Z';
    if (!begins_as_date) return std::nullopt;
    const auto time = curl_getdate(std::string(text).c_str(), nullptr);
    return time == -1 ? std::nullopt : std::optional(time);
}

std::optional<seconds> read_seconds(std::string_view text) {
    seconds::rep count = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (end != text.data() + text.size() || text.empty() || text.front() == '-') return std::nullopt;
    if (problem == std::errc::result_out_of_range) return longest_wish;
    return problem == std::errc() ? std::optional(std::min(seconds(count), longest_wish)) : std::nullopt;
}

}  // namespace

milliseconds Pauses::after(int attempts) {
    auto longest = first_pause;
    for (int attempt = 1; attempt < attempts && longest < longest_pause; ++attempt) longest *= 2;
    longest = std::min(longest, longest_pause);
    return milliseconds(
        std::uniform_int_distribution<milliseconds::rep>(longest.count() / 2, longest.count())(random_));
}

std::optional<std::chrono::system_clock::time_point> date_of(const Response& response) {
    const auto date = read_date(response.header("Date"));
    return date ? std::optional(std::chrono::system_clock::from_time_t(*date)) : std::nullopt;
}

std::optional<milliseconds> retry_after(const Response& response) {
    const auto wish = response.header("Retry-After");
    if (const auto count = read_seconds(wish)) return *count;
    const auto date = read_date(wish);
    if (!date) return std::nullopt;
    // Prefer the server's clock, because the local clock may be wrong.
    const auto now = read_date(response.header("Date")).value_or(std::time(nullptr));
    return std::clamp(seconds(*date - now), seconds(0), longest_wish);
}

}  // namespace deployer::http
