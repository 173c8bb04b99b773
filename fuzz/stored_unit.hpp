#pragma once

#include <deployer/unit.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deployer {

/// A model of fleet's reader (go-systemd's, of fleet 1.0): fleet stores a unit as unit file text and reads it back.
/// Unlike systemd, the reader takes any backslash at a line's end as a continuation and keeps the backslash and the
/// newline in the value. It also drops all Unicode white space around lines, names and values.
class StoredUnit {
public:
    explicit StoredUnit(std::string_view text) : rest_(text) {}

    /// The options, or nullopt when fleet reports the unit as broken.
    std::optional<std::vector<UnitOption>> read() {
        skip_to_first_section();
        while (!broken_ && !rest_.empty()) {
            if (const auto space = space_at_start(rest_)) {
                rest_.remove_prefix(space);
            } else if (rest_.front() == '[') {
                read_section();
            } else if (rest_.front() == '#' || rest_.front() == ';') {
                skip_comment();
            } else {
                read_option();
            }
        }
        return broken_ ? std::nullopt : std::optional(std::move(options_));
    }

private:
    static constexpr std::size_t longest_line = 2048;

    static std::size_t space_at_start(std::string_view text) {
        constexpr auto spaces = std::to_array<std::string_view>(
            {" ",      "\t",     "\r",     "\n",     "\v",     "\f",     "\u0085", "\u00A0", "\u1680",
             "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
             "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000"});
        const auto* const found =
            std::find_if(spaces.begin(), spaces.end(), [&](std::string_view space) { return text.starts_with(space); });
        return found == spaces.end() ? 0 : found->size();
    }

    static std::string_view trim(std::string_view text) {
        while (const auto space = space_at_start(text)) text.remove_prefix(space);
        std::size_t end = 0;
        for (std::size_t i = 0; i < text.size();) {
            const auto space = space_at_start(text.substr(i));
            i += std::max<std::size_t>(space, 1);
            if (space == 0) end = i;
        }
        return text.substr(0, end);
    }

    void skip_to_first_section() {
        while (!rest_.empty() && rest_.front() != '[') {
            if (rest_.front() == '#' || rest_.front() == ';') {
                skip_comment();
            } else {
                rest_.remove_prefix(1);
            }
        }
    }

    /// The text up to the newline; the newline is consumed.
    std::string_view take_line() {
        const auto end = rest_.find('\n');
        const auto line = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        return line;
    }

    void skip_comment() {
        for (bool goes_on = true; goes_on;) {
            auto line = take_line();
            if (line.ends_with(' ')) line.remove_suffix(1);
            goes_on = line.ends_with('\\') && !rest_.empty();
        }
    }

    /// fleet refuses a long line only where its buffer happens to end, so the model refuses it anywhere.
    void check_length() {
        if (rest_.substr(0, rest_.find_first_of("\r\n")).size() >= longest_line) broken_ = true;
    }

    void read_section() {
        check_length();
        const auto end = rest_.find(']');
        if (end == std::string_view::npos) {
            broken_ = true;
            return;
        }
        section_ = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        if (!trim(take_line()).empty()) broken_ = true;
    }

    void read_option() {
        check_length();
        const auto end = rest_.find_first_of("=\r\n");
        if (end == std::string_view::npos || rest_[end] != '=') {
            broken_ = true;
            return;
        }
        const std::string name(trim(rest_.substr(0, end)));
        rest_.remove_prefix(end + 1);
        options_.push_back({section_, name, read_value()});
    }

    std::string read_value() {
        std::string value;
        for (bool goes_on = true; goes_on;) {
            const auto line = take_line();
            if (trim(line).empty()) break;
            value += line;
            goes_on = line.ends_with('\\');
            if (goes_on && !rest_.empty()) value += '\n';
        }
        const bool keeps_newline = value.ends_with('\n');
        return std::string(trim(value)) + (keeps_newline ? "\n" : "");
    }

    std::string_view rest_;
    std::string section_;
    std::vector<UnitOption> options_;
    bool broken_ = false;
};

}  // namespace deployer
