#pragma once

#include <deployer/log.hpp>

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// Keeps all logged lines, as "warning: message". Any thread may write and read.
class RecordingLog final : public Log {
public:
    void write(LogLevel level, std::string_view message) noexcept override {
        const std::scoped_lock lock(mutex_);
        lines_.push_back(std::string(to_string(level)) + ": " + std::string(message));
    }

    [[nodiscard]] std::vector<std::string> lines() const {
        const std::scoped_lock lock(mutex_);
        return lines_;
    }

    /// All lines, each with its newline, for the message of a failed check.
    [[nodiscard]] std::string text() const {
        std::string text;
        for (const auto& line : lines()) text += line + "\n";
        return text;
    }

    /// The number of lines that hold the fragment.
    [[nodiscard]] std::size_t count(std::string_view fragment) const {
        const auto all = lines();
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [&](const std::string& line) { return line.find(fragment) != std::string::npos; }));
    }
    [[nodiscard]] bool holds(std::string_view fragment) const { return count(fragment) > 0; }

    void clear() {
        const std::scoped_lock lock(mutex_);
        lines_.clear();
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

}  // namespace deployer
