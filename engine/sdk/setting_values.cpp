#include "setting_values.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <system_error>

namespace deployer {
namespace {

constexpr std::chrono::hours longest_duration{10'000};

/// Milliseconds of a unit of time; 0 for any other word.
long long milliseconds_of(std::string_view unit) {
    if (unit == "ms") return 1;
    if (unit == "s") return 1'000;
    if (unit == "m") return 60'000;
    if (unit == "h") return 3'600'000;
    if (unit == "d") return 86'400'000;
    return 0;
}

/// The first word of a duration, such as `30s`.
struct DurationWord {
    std::string_view number;
    std::string_view unit;
};

DurationWord first_word(std::string_view text) {
    constexpr std::string_view digits = "0123456789";
    const auto number_end = std::min(text.find_first_not_of(digits), text.size());
    const auto unit_end = std::min(text.find_first_of(digits, number_end), text.size());
    return {text.substr(0, number_end), text.substr(number_end, unit_end - number_end)};
}

}  // namespace

std::optional<long long> parse_integer(std::string_view text) {
    const auto digits = text.starts_with('-') ? text.substr(1) : text;
    // Other readers of YAML take a number with a leading zero for octal.
    if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    long long value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec == std::errc::result_out_of_range) {
        return text.starts_with('-') ? std::numeric_limits<long long>::min() : std::numeric_limits<long long>::max();
    }
    return value;
}

std::optional<bool> parse_boolean(std::string_view text) {
    constexpr auto yes =
        std::to_array<std::string_view>({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"});
    constexpr auto no =
        std::to_array<std::string_view>({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"});
    if (std::find(yes.begin(), yes.end(), text) != yes.end()) return true;
    if (std::find(no.begin(), no.end(), text) != no.end()) return false;
    return std::nullopt;
}

std::chrono::milliseconds parse_duration(std::string_view text) {
    if (text == "0") return std::chrono::milliseconds(0);
    constexpr auto most = std::chrono::milliseconds(longest_duration).count();
    const auto problem = [text](const std::string& what) {
        return Error(ErrorKind::misconfigured, quote(text) + ' ' + what);
    };
    long long sum = 0;
    long long last_unit = 0;
    auto rest = text;
    do {
        const auto word = first_word(rest);
        const auto unit = milliseconds_of(word.unit);
        if (!word.number.empty() && word.unit.empty()) throw problem("lacks a unit (such as 500ms, 30s, 5m)");
        // People write the largest unit first. In another order, one unit may be a slip for another.
        const bool is_in_order = last_unit == 0 || unit < last_unit;
        if (word.number.empty() || unit == 0 || !is_in_order) {
            throw problem("is not a duration (such as 500ms, 30s, 5m)");
        }
        long long count = 0;
        const auto result = std::from_chars(word.number.data(), word.number.data() + word.number.size(), count);
        if (result.ec != std::errc() || count > (most - sum) / unit) {
            throw problem("is longer than " + std::to_string(longest_duration.count()) + "h");
        }
        sum += count * unit;
        last_unit = unit;
        rest.remove_prefix(word.number.size() + word.unit.size());
    } while (!rest.empty());
    return std::chrono::milliseconds(sum);
}

std::string find_path_problem(std::string_view text) {
    constexpr std::string_view whole = "; write the whole path, or one relative to this file";
    if (text.empty()) return "is empty, but must be a path";
    if (text.find('\0') != std::string_view::npos) return "a path cannot hold a NUL byte";
    if (text.front() == '~') return quote(text) + R"( begins with "~", which only a shell replaces)" + whole.data();
    if (text.front() == '$' || text.find("${") != std::string_view::npos) {
        return quote(text) + " names a variable, which only a shell replaces" + whole.data();
    }
    return {};
}

}  // namespace deployer
