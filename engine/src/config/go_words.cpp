#include "config/go_words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace deployer {

std::optional<bool> read_go_boolean(std::string_view word) {
    constexpr std::array yes{"1", "t", "T", "true", "TRUE", "True"};
    constexpr std::array no{"0", "f", "F", "false", "FALSE", "False"};
    if (std::find(yes.begin(), yes.end(), word) != yes.end()) return true;
    if (std::find(no.begin(), no.end(), word) != no.end()) return false;
    return std::nullopt;
}

std::optional<int> read_go_seconds(std::string_view word) {
    int number = 0;
    const auto* const end = word.data() + word.size();
    const auto [stopped, error] = std::from_chars(word.data(), end, number);
    if (error != std::errc{} || stopped != end || number < 0) return std::nullopt;
    return number;
}

}  // namespace deployer
