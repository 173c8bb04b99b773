#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace deployer::exec {

/// The approximate number of bytes that one read takes out of a stream.
inline constexpr std::size_t read_at_once = std::size_t{1} << 20U;

struct Line {
    std::string text;     ///< without its newline
    bool is_cut = false;  ///< the line was longer than the limit; the rest is skipped
    bool has_end = true;  ///< false: the stream ended within the line
};

/// Reads lines from a stream that does not block.
class LineReader {
public:
    LineReader(int descriptor, std::size_t limit) : descriptor_(descriptor), limit_(limit) {}

    /// Reads the available bytes, up to read_at_once. False when there were none.
    bool fill();

    /// The next line in the bytes read so far; nullopt when no complete line is left.
    [[nodiscard]] std::optional<Line> next();

    /// Whether the stream has ended.
    [[nodiscard]] bool ended() const noexcept { return ended_; }

    /// The descriptor to wait for; -1 after the end.
    [[nodiscard]] int descriptor() const noexcept { return ended_ ? -1 : descriptor_; }

private:
    [[nodiscard]] std::optional<Line> cut_line();
    void drop_taken();

    int descriptor_;
    std::size_t limit_;
    std::string buffer_;
    std::size_t begin_ = 0;     ///< start of the bytes that next() has not returned yet
    std::size_t searched_ = 0;  ///< the bytes before have no newline
    bool skips_ = false;        ///< skips the rest of a cut line
    bool ended_ = false;
};

/// Writes text into a socket that does not block, and keeps the part that does not fit yet.
class LineWriter {
public:
    /// False when the other end is closed for good.
    bool write(int socket, std::string_view text);
    bool flush(int socket);

    [[nodiscard]] bool is_empty() const noexcept { return unsent_.empty(); }

private:
    std::string unsent_;
};

}  // namespace deployer::exec
