#include "moment.hpp"

#include <algorithm>
#include <cstddef>

namespace deployer::mock {
namespace {

constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.dddZ";
constexpr std::string_view short_shape = "dddd-dd-ddTdd:dd:ddZ";

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool has_shape(std::string_view text, std::string_view wanted) {
    return std::equal(text.begin(), text.end(), wanted.begin(), wanted.end(),
                      [](char is, char want) { return want == 'd' ? is_digit(is) : is == want; });
}

int number(std::string_view digits) {
    int value = 0;
    for (const char digit : digits) value = value * 10 + (digit - '0');
    return value;
}

std::string padded(long long value, std::size_t width) {
    auto digits = std::to_string(value);
    return std::string(width - std::min(width, digits.size()), '0') + digits;
}

}  // namespace

std::string to_text(Moment moment) {
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(moment - day);
    return padded(static_cast<int>(date.year()), 4) + "-" + padded(static_cast<unsigned>(date.month()), 2) + "-" +
           padded(static_cast<unsigned>(date.day()), 2) + "T" + padded(time.hours().count(), 2) + ":" +
           padded(time.minutes().count(), 2) + ":" + padded(time.seconds().count(), 2) + "." +
           padded(time.subseconds().count(), 3) + "Z";
}

std::optional<Moment> moment_from(std::string_view text) {
    const bool whole = has_shape(text, shape);
    if (!whole && !has_shape(text, short_shape)) return std::nullopt;
    const std::chrono::year_month_day date(std::chrono::year(number(text.substr(0, 4))),
                                           std::chrono::month(static_cast<unsigned>(number(text.substr(5, 2)))),
                                           std::chrono::day(static_cast<unsigned>(number(text.substr(8, 2)))));
    const std::chrono::hours hours(number(text.substr(11, 2)));
    const std::chrono::minutes minutes(number(text.substr(14, 2)));
    const std::chrono::seconds seconds(number(text.substr(17, 2)));
    if (!date.ok() || hours.count() > 23 || minutes.count() > 59 || seconds.count() > 59) return std::nullopt;
    const std::chrono::milliseconds rest(whole ? number(text.substr(20, 3)) : 0);
    return std::chrono::sys_days(date) + hours + minutes + seconds + rest;
}

}  // namespace deployer::mock
