#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace deployer {

/// A number with its noun: "1 unit", "2 units".
inline std::string quantity(std::size_t number, std::string_view noun) {
    return std::to_string(number) + ' ' + std::string(noun) + (number == 1 ? "" : "s");
}

/// A duration in the spelling of configurations: "5m", "1m30s", "1d", "1500ms".
inline std::string duration_text(std::chrono::milliseconds duration) {
    struct Step {
        long long seconds;
        char name;
    };
    constexpr long long second = 1'000;
    auto seconds = duration.count() / second;
    if (duration.count() % second != 0) return std::to_string(duration.count()) + "ms";
    std::string text;
    for (const auto& step : {Step{86'400, 'd'}, Step{3'600, 'h'}, Step{60, 'm'}, Step{1, 's'}}) {
        const auto count = seconds / step.seconds;
        if (count > 0) text.append(std::to_string(count)).append(1, step.name);
        seconds %= step.seconds;
    }
    return text.empty() ? "0s" : text;
}

}  // namespace deployer
