#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace deployer::exec {

/// About as much is taken out of a stream in one go.
inline constexpr std::size_t read_at_once = std::size_t{1} << 20U;

struct Line {
    std::string text;     ///< without its newline
    bool is_cut = false;  ///< it was longer than the limit; what is left out is passed over
    bool has_end = true;  ///< false: the stream ended within it
};

/// Lines out of a stream that does not block.
class LineReader {
public:
    LineReader(int descriptor, std::size_t limit) : descriptor_(descriptor), limit_(limit) {}

    /// Takes what is there, though no more than read_at_once. False: nothing was.
    bool fill();

    /// The next line of what was taken.
    [[nodiscard]] std::optional<Line> next();

    /// Nothing comes any more.
    [[nodiscard]] bool ended() const noexcept { return ended_; }

    /// The descriptor to wait for; -1 after the end.
    [[nodiscard]] int descriptor() const noexcept { return ended_ ? -1 : descriptor_; }

private:
    [[nodiscard]] std::optional<Line> cut_line();
    void drop_taken();

    int descriptor_;
    std::size_t limit_;
    std::string buffer_;
    std::size_t begin_ = 0;     ///< of what was not given out yet
    std::size_t searched_ = 0;  ///< up to here there is no newline
    bool skips_ = false;        ///< the rest of a line that was cut
    bool ended_ = false;
};

/// Text on its way into a socket that does not block.
class LineWriter {
public:
    /// False: nobody reads it any more, now or later.
    bool write(int socket, std::string_view text);
    bool flush(int socket);

    [[nodiscard]] bool is_empty() const noexcept { return unsent_.empty(); }

private:
    std::string unsent_;
};

}  // namespace deployer::exec
