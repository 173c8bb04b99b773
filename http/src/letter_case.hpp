#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace deployer::http {

/// Changes ASCII letters only, independently of the locale.
constexpr char in_lower_case(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string in_lower_case(std::string_view text) {
    std::string lower;
    std::transform(text.begin(), text.end(), std::back_inserter(lower), [](char c) { return in_lower_case(c); });
    return lower;
}

/// Whether two names are equal, apart from letter case.
inline bool same_name(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char left, char right) { return in_lower_case(left) == in_lower_case(right); });
}

/// Text with a lower-case start, as in our error messages: "connection refused", but "TLS …" stays.
inline std::string lower_first(std::string_view text) {
    std::string result(text);
    const bool is_word = result.size() > 1 && in_lower_case(result[1]) == result[1];
    if (is_word) result[0] = in_lower_case(result[0]);
    return result;
}

}  // namespace deployer::http
