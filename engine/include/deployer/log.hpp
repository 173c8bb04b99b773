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

/// Takes messages for the operator that are no failures. The engine owns the log; a plugin may use it until the call
/// that passed it (see Call) returns. Any thread may write at any time; writing never throws and never waits for a
/// network. A message is one line, without secrets and without a final period; the engine adds time and plugin name.
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
