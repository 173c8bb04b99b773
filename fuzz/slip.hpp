#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace deployer {

/// What takes place in one slip of the hand: which, where (two bytes), and with what.
constexpr std::size_t slip_size = 4;
constexpr std::size_t most_slips = 6;

/// What gets into a file by mistake, or is YAML's own.
constexpr auto stray_texts = std::to_array<std::string_view>(
    {"\"",        "'",           "#",        " #",          " # ",        "- ",    "-",      " ",     "  ",
     "    ",      "|",           ">",        "|-\n",        "{",          "}",     "[",      "]",     ",",
     ", ",        ":",           ": ",       "? ",          "&a ",        "*a",    "!!str ", "! ",    "!x ",
     "---\n",     "...\n",       "--- ",     "\t",          "\r",         "\r\n",  "\n",     "\n\n",  "\\",
     "''",        "\"\"",        "<<: *a",   "services:\n", "x:\n",       "x: ",   "name: ", "name:", "count: 0",
     "version: ", "%YAML 1.2\n", "~",        "null",        "@",          "`",     "%",      "=",     "\"\n",
     "'\n",       ">-\n",        "uri: |\n", "version: \"", "version: '", "d: >\n"});

constexpr auto unseen =
    std::to_array<std::string_view>({"\uFEFF", "\u200B", "\u00A0", "\u2028", "\u2029", "\u3000", "\u0085", "\u200E",
                                     "\u2060", "\u00AD", "\u180E", "\x01", "\x7F", "\v", "\f", "\u2003"});

/// One valid file and the places in it where a hand slips.
class SlippingHand {
public:
    explicit SlippingHand(std::string text) : text_(std::move(text)) {}

    void slip(unsigned which, std::size_t place, unsigned with) {
        const auto at = place % (text_.size() + 1);
        switch (which % 20) {
            case 0:
                text_.insert(at, 1, static_cast<char>(with));
                break;
            case 1:
                text_.erase(at, 1);
                break;
            case 2:
                if (at < text_.size()) text_[at] = static_cast<char>(with);
                break;
            case 3:
                text_.erase(at, with % 16 + 1);
                break;
            case 4:
                text_.erase(end_of_line(at), 1);
                break;
            case 5:
                join(at);
                break;
            case 6:
                text_.insert(at, "\n");
                break;
            case 7:
                text_.insert(at, "\n" + std::string(with % 8, ' '));
                break;
            case 8:
                text_.insert(start_of_line(at), with % 8 + 1, ' ');
                break;
            case 9:
                text_.erase(start_of_line(at), std::min<std::size_t>(indentation(at), with % 8 + 1));
                break;
            case 10:
                text_.insert(start_of_line(at), unseen[with % unseen.size()]);
                break;
            case 11:
                text_.insert(start_of_line(at) + indentation(at), unseen[with % unseen.size()]);
                break;
            case 12:
                text_.insert(at, unseen[with % unseen.size()]);
                break;
            case 13:
                text_.insert(at, stray_texts[with % stray_texts.size()]);
                break;
            case 14:
                text_.insert(start_of_value(at), stray_texts[with % stray_texts.size()]);
                break;
            case 15:
                text_.insert(end_of_line(at), stray_texts[with % stray_texts.size()]);
                break;
            case 16:
                text_.insert(start_of_line(at), stray_texts[with % stray_texts.size()]);
                break;
            case 17:
                text_.insert(start_of_line(at) + indentation(at), stray_texts[with % stray_texts.size()]);
                break;
            case 18:
                lose_dash(at);
                break;
            default:
                move_line(at, with);
        }
    }

    std::string take() { return std::move(text_); }

private:
    [[nodiscard]] std::size_t start_of_line(std::size_t at) const {
        return at == 0 ? 0 : text_.rfind('\n', at - 1) + 1;
    }
    [[nodiscard]] std::size_t end_of_line(std::size_t at) const { return std::min(text_.find('\n', at), text_.size()); }
    [[nodiscard]] std::size_t indentation(std::size_t at) const {
        const auto start = start_of_line(at);
        return std::min(text_.find_first_not_of(' ', start), text_.size()) - start;
    }
    [[nodiscard]] std::size_t start_of_value(std::size_t at) const {
        const auto end = end_of_line(at);
        const auto colon = text_.find(": ", start_of_line(at));
        return colon == std::string::npos || colon > end ? end : colon + 2;
    }

    /// As an editor does.
    void join(std::size_t at) {
        const auto end = end_of_line(at);
        text_.erase(end, 1);
        text_.erase(end, std::min(text_.find_first_not_of(' ', end), text_.size()) - end);
    }

    void lose_dash(std::size_t at) {
        const auto start = start_of_line(at) + indentation(at);
        if (text_.compare(start, 2, "- ") == 0) text_.erase(start, 2);
    }

    void move_line(std::size_t from, std::size_t lines) {
        const auto start = start_of_line(from);
        const auto end = std::min(end_of_line(from) + 1, text_.size());
        const auto line = text_.substr(start, end - start);
        text_.erase(start, line.size());
        auto to = start;
        for (std::size_t i = 0; i < lines % 8; ++i) to = std::min(end_of_line(to) + 1, text_.size());
        text_.insert(to, line);
    }

    std::string text_;
};

/// The file after all slips.
inline std::string slip(std::string text, std::string_view slips) {
    SlippingHand hand(std::move(text));
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(slips[index]); };
    const auto count = std::min(slips.size() / slip_size, most_slips);
    for (std::size_t i = 0; i < count; ++i) {
        const auto at = i * slip_size;
        hand.slip(byte(at), byte(at + 1) * 256U + byte(at + 2), byte(at + 3));
    }
    return hand.take();
}

}  // namespace deployer
