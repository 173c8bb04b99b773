#include "line_channel.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace deployer::exec {
namespace {

constexpr std::size_t chunk = std::size_t{64} << 10U;

/// The number of bytes sent; nullopt when the other end is closed.
std::optional<std::size_t> send_some(int socket, std::string_view text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
        const auto count = ::send(socket, text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == ENOBUFS)) break;
        if (count < 0) return std::nullopt;
        sent += static_cast<std::size_t>(count);
    }
    return sent;
}

}  // namespace

bool LineReader::fill() {
    std::size_t taken = 0;
    while (!ended_ && taken < read_at_once) {
        const auto size = buffer_.size();
        buffer_.resize(size + chunk);
        const auto count = ::read(descriptor_, buffer_.data() + size, chunk);
        const int error = errno;
        buffer_.resize(size + (count > 0 ? static_cast<std::size_t>(count) : 0));
        if (count < 0 && error == EINTR) continue;
        if (count < 0 && error == EAGAIN) break;
        ended_ = count <= 0;
        if (!ended_) taken += static_cast<std::size_t>(count);
        if (count < static_cast<ssize_t>(chunk)) break;
    }
    return taken > 0;
}

std::optional<Line> LineReader::next() {
    while (true) {
        const auto newline = buffer_.find('\n', std::max(begin_, searched_));
        if (newline == std::string::npos) return cut_line();
        Line line{buffer_.substr(begin_, newline - begin_)};
        begin_ = newline + 1;
        searched_ = begin_;
        if (std::exchange(skips_, false)) continue;
        if (line.text.size() > limit_) line = {line.text.substr(0, limit_), true};
        return line;
    }
}

std::optional<Line> LineReader::cut_line() {
    if (skips_) begin_ = buffer_.size();
    drop_taken();
    if (buffer_.size() > limit_) {
        Line line{buffer_.substr(0, limit_), true};
        buffer_.clear();
        searched_ = 0;
        skips_ = true;
        return line;
    }
    if (ended_ && !buffer_.empty()) return Line{std::exchange(buffer_, {}), false, false};
    return std::nullopt;
}

void LineReader::drop_taken() {
    buffer_.erase(0, begin_);
    begin_ = 0;
    searched_ = buffer_.size();
}

bool LineWriter::write(int socket, std::string_view text) {
    if (!unsent_.empty()) {
        unsent_ += text;
        return true;
    }
    const auto sent = send_some(socket, text);
    if (sent) unsent_ = text.substr(*sent);
    return sent.has_value();
}

bool LineWriter::flush(int socket) {
    const auto sent = send_some(socket, unsent_);
    if (sent) unsent_.erase(0, *sent);
    return sent.has_value();
}

}  // namespace deployer::exec
