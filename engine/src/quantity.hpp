#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace deployer {

/// "1 unit", "2 units".
inline std::string quantity(std::size_t number, std::string_view noun) {
    return std::to_string(number) + ' ' + std::string(noun) + (number == 1 ? "" : "s");
}

/// A duration as a configuration would have it: "5m", "90s", "1500ms".
inline std::string duration_text(std::chrono::milliseconds duration) {
    const auto count = duration.count();
    if (count % 60'000 == 0 && count > 0) return std::to_string(count / 60'000) + "m";
    if (count % 1'000 == 0) return std::to_string(count / 1'000) + "s";
    return std::to_string(count) + "ms";
}

}  // namespace deployer
