#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace deployer {

/// The bytes that describe one slip of the hand: which slip, where (two bytes), and with what.
constexpr std::size_t slip_size = 4;
constexpr std::size_t most_slips = 6;

/// Texts that get into a file by mistake, or that mean something to YAML.
constexpr auto stray_texts = std::to_array<std::string_view>(
    {"\"",        "'",           "#",        " #",          " # ",        "- ",    "-",      " ",     "  ",
     "    ",      "|",           ">",        "|-\n",        "{",          "}",     "[",      "]",     ",",
     ", ",        ":",           ": ",       "? ",          "&a ",        "*a",    "!!str ", "! ",    "!x ",
     "---\n",     "...\n",       "--- ",     "\t",          "\r",         "\r\n",  "\n",     "\n\n",  "\\",
     "''",        "\"\"",        "<<: *a",   "services:\n", "x:\n",       "x: ",   "name: ", "name:", "count: 0",
     "version: ", "%YAML 1.2\n", "~",        "null",        "@",          "`",     "%",      "=",     "\"\n",
     "'\n",       ">-\n",        "uri: |\n", "version: \"", "version: '", "d: >\n"});

/// Characters that nobody sees.
constexpr auto unseen =
    std::to_array<std::string_view>({"\uFEFF", "\u200B", "\u00A0", "\u2028", "\u2029", "\u3000", "\u0085", "\u200E",
                                     "\u2060", "\u00AD", "\u180E", "\x01", "\x7F", "\v", "\f", "\u2003"});

/// One valid file and the places in it where a hand slips. `at` is an offset within the text or its end.
class SlippingHand {
public:
    explicit SlippingHand(std::string text) : text_(std::move(text)) {}

    void slip(unsigned which, std::size_t place, unsigned with) {
        (this->*slips[which % slips.size()])(place % (text_.size() + 1), with);
    }

    std::string take() { return std::move(text_); }

private:
    using Slip = void (SlippingHand::*)(std::size_t at, unsigned with);
    /// The seeds name slips by their places here.
    static const std::array<Slip, 20> slips;

    void insert_byte(std::size_t at, unsigned with) { text_.insert(at, 1, static_cast<char>(with)); }
    void erase_byte(std::size_t at, unsigned /*with*/) { text_.erase(at, 1); }
    void replace_byte(std::size_t at, unsigned with) {
        if (at < text_.size()) text_[at] = static_cast<char>(with);
    }
    void erase_bytes(std::size_t at, unsigned with) { text_.erase(at, with % 16 + 1); }
    void erase_newline(std::size_t at, unsigned /*with*/) { text_.erase(end_of_line(at), 1); }
    void insert_newline(std::size_t at, unsigned /*with*/) { text_.insert(at, "\n"); }
    void break_line(std::size_t at, unsigned with) { text_.insert(at, "\n" + std::string(with % 8, ' ')); }
    void indent(std::size_t at, unsigned with) { text_.insert(start_of_line(at), with % 8 + 1, ' '); }
    void outdent(std::size_t at, unsigned with) {
        text_.erase(start_of_line(at), std::min<std::size_t>(indentation(at), with % 8 + 1));
    }
    void start_line_unseen(std::size_t at, unsigned with) { insert_unseen(start_of_line(at), with); }
    void start_words_unseen(std::size_t at, unsigned with) { insert_unseen(start_of_words(at), with); }
    void insert_unseen(std::size_t at, unsigned with) { text_.insert(at, unseen[with % unseen.size()]); }
    void insert_stray(std::size_t at, unsigned with) { text_.insert(at, stray_texts[with % stray_texts.size()]); }
    void start_value_stray(std::size_t at, unsigned with) { insert_stray(start_of_value(at), with); }
    void end_line_stray(std::size_t at, unsigned with) { insert_stray(end_of_line(at), with); }
    void start_line_stray(std::size_t at, unsigned with) { insert_stray(start_of_line(at), with); }
    void start_words_stray(std::size_t at, unsigned with) { insert_stray(start_of_words(at), with); }

    /// Joins a line with the next one, as an editor does.
    void join_lines(std::size_t at, unsigned /*with*/) {
        const auto end = end_of_line(at);
        text_.erase(end, 1);
        text_.erase(end, std::min(text_.find_first_not_of(' ', end), text_.size()) - end);
    }

    void lose_dash(std::size_t at, unsigned /*with*/) {
        const auto start = start_of_words(at);
        if (text_.compare(start, 2, "- ") == 0) text_.erase(start, 2);
    }

    void move_line(std::size_t at, unsigned lines) {
        const auto start = start_of_line(at);
        const auto end = std::min(end_of_line(at) + 1, text_.size());
        const auto line = text_.substr(start, end - start);
        text_.erase(start, line.size());
        auto to = start;
        for (std::size_t i = 0; i < lines % 8; ++i) to = std::min(end_of_line(to) + 1, text_.size());
        text_.insert(to, line);
    }

    [[nodiscard]] std::size_t start_of_line(std::size_t at) const {
        return at == 0 ? 0 : text_.rfind('\n', at - 1) + 1;
    }
    [[nodiscard]] std::size_t end_of_line(std::size_t at) const { return std::min(text_.find('\n', at), text_.size()); }
    [[nodiscard]] std::size_t indentation(std::size_t at) const {
        const auto start = start_of_line(at);
        return std::min(text_.find_first_not_of(' ', start), text_.size()) - start;
    }
    [[nodiscard]] std::size_t start_of_words(std::size_t at) const { return start_of_line(at) + indentation(at); }
    [[nodiscard]] std::size_t start_of_value(std::size_t at) const {
        const auto end = end_of_line(at);
        const auto colon = text_.find(": ", start_of_line(at));
        return colon == std::string::npos || colon > end ? end : colon + 2;
    }

    std::string text_;
};

inline const std::array<SlippingHand::Slip, 20> SlippingHand::slips{
    &SlippingHand::insert_byte,    &SlippingHand::erase_byte,        &SlippingHand::replace_byte,
    &SlippingHand::erase_bytes,    &SlippingHand::erase_newline,     &SlippingHand::join_lines,
    &SlippingHand::insert_newline, &SlippingHand::break_line,        &SlippingHand::indent,
    &SlippingHand::outdent,        &SlippingHand::start_line_unseen, &SlippingHand::start_words_unseen,
    &SlippingHand::insert_unseen,  &SlippingHand::insert_stray,      &SlippingHand::start_value_stray,
    &SlippingHand::end_line_stray, &SlippingHand::start_line_stray,  &SlippingHand::start_words_stray,
    &SlippingHand::lose_dash,      &SlippingHand::move_line,
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
