#pragma once

#include <cstddef>
#include <string_view>

namespace deployer {

/// The offset at which a line, counted from 1, begins; the size of the text for a line behind the last.
inline std::size_t offset_of_line(std::string_view text, int line) {
    std::size_t offset = 0;
    for (int i = 1; i < line; ++i) {
        const auto end = text.find('\n', offset);
        if (end == std::string_view::npos) return text.size();
        offset = end + 1;
    }
    return offset;
}

/// A line, counted from 1, without its newline.
inline std::string_view text_of_line(std::string_view text, int line) {
    text.remove_prefix(offset_of_line(text, line));
    return text.substr(0, text.find('\n'));
}

}  // namespace deployer
