#pragma once

#include <string_view>

namespace deployer {

enum class LogLevel { debug, info, warning, error };

constexpr std::string_view to_string(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            return "error";
    }
    return "error";
}

/// Where a plugin reports what an operator should know but that is no failure. Owned by the engine; valid during the
/// call that brought it (see Call). Any thread may write at any time; writing never throws and never waits for a
/// network. Messages are one line, without secrets, without a final period; the engine adds time and plugin name.
class Log {
public:
    virtual ~Log() = default;
    virtual void write(LogLevel level, std::string_view message) noexcept = 0;

    void debug(std::string_view message) noexcept { write(LogLevel::debug, message); }
    void info(std::string_view message) noexcept { write(LogLevel::info, message); }
    void warning(std::string_view message) noexcept { write(LogLevel::warning, message); }
    void error(std::string_view message) noexcept { write(LogLevel::error, message); }
};

}  // namespace deployer
