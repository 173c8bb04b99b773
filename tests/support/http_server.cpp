#include "support/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>

namespace deployer {
namespace {

constexpr int backlog = 512;

[[noreturn]] void fail(const std::string& doing) {
    throw std::system_error(errno, std::generic_category(), "test server: cannot " + doing);
}

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char left, unsigned char right) {
        return std::tolower(left) == std::tolower(right);
    });
}

const std::string* find_header(const HttpHeaders& headers, std::string_view name) {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [name](const auto& header) { return same_name(header.first, name); });
    return found == headers.end() ? nullptr : &found->second;
}

std::string percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned char byte = 0;
        const auto* digits = text.data() + at + 1;
        const bool coded =
            text[at] == '%' && at + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
        decoded += coded ? static_cast<char>(byte) : text[at];
        if (coded) at += 2;
    }
    return decoded;
}

std::string_view reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 404:
            return "Not Found";
        default:
            return "Status";
    }
}

bool send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

bool has_body(const HttpReply& reply, const std::string& method) {
    return method != "HEAD" && reply.status != 204 && reply.status != 304 && reply.status >= 200;
}

std::string head_of(const HttpReply& reply) {
    auto head = "HTTP/1.1 " + std::to_string(reply.status) + ' ' + std::string(reason_of(reply.status)) + "\r\n";
    for (const auto& [name, value] : reply.headers) head.append(name).append(": ").append(value).append("\r\n");
    const bool counts = reply.status != 204 && reply.status != 304 && reply.status >= 200;
    if (reply.framing == HttpReply::Framing::length && counts &&
        find_header(reply.headers, "Content-Length") == nullptr) {
        head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
    }
    if (reply.framing == HttpReply::Framing::chunked) head += "Transfer-Encoding: chunked\r\n";
    if (reply.close || reply.framing == HttpReply::Framing::until_close) head += "Connection: close\r\n";
    return head + "\r\n";
}

std::string chunk_head(std::size_t size) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), size, 16).ptr;
    return std::string(digits.data(), end) + "\r\n";
}

/// Reads requests from one connection.
class RequestReader {
public:
    explicit RequestReader(int socket) : socket_(socket) {}

    /// The next request; nullopt when the client ends the connection or sends an invalid request.
    std::optional<HttpRequest> read() {
        constexpr std::string_view head_end = "\r\n\r\n";
        std::size_t end = 0;
        while ((end = bytes_.find(head_end)) == std::string::npos) {
            if (!receive()) return std::nullopt;
        }
        auto request = parse_head(std::string_view(bytes_).substr(0, end));
        bytes_.erase(0, end + head_end.size());
        if (!request || !read_body(*request)) return std::nullopt;
        return request;
    }

private:
    bool receive() {
        std::array<char, 16384> piece{};
        const auto count = ::recv(socket_, piece.data(), piece.size(), 0);
        if (count < 0 && errno == EINTR) return true;
        if (count <= 0) return false;
        bytes_.append(piece.data(), static_cast<std::size_t>(count));
        return true;
    }

    static std::optional<HttpRequest> parse_head(std::string_view head) {
        const auto next_line = [&head] {
            const auto end = std::min(head.find("\r\n"), head.size());
            const auto line = head.substr(0, end);
            head.remove_prefix(std::min(end + 2, head.size()));
            return line;
        };
        const auto first = next_line();
        const auto method_end = first.find(' ');
        const auto target_end = first.rfind(' ');
        if (method_end == std::string_view::npos || target_end <= method_end) return std::nullopt;
        HttpRequest request;
        request.method = first.substr(0, method_end);
        request.target = first.substr(method_end + 1, target_end - method_end - 1);
        while (!head.empty()) {
            const auto line = next_line();
            const auto colon = line.find(':');
            if (colon == std::string_view::npos) return std::nullopt;
            const auto value_start = std::min(line.find_first_not_of(' ', colon + 1), line.size());
            request.headers.emplace_back(line.substr(0, colon), line.substr(value_start));
        }
        return request;
    }

    bool read_body(HttpRequest& request) {
        std::size_t length = 0;
        const auto text = request.header("Content-Length");
        std::from_chars(text.data(), text.data() + text.size(), length);
        if (length > 0 && same_name(request.header("Expect"), "100-continue")) {
            if (!send_all(socket_, "HTTP/1.1 100 Continue\r\n\r\n")) return false;
        }
        while (bytes_.size() < length) {
            if (!receive()) return false;
        }
        request.body = bytes_.substr(0, length);
        bytes_.erase(0, length);
        return true;
    }

    int socket_;
    std::string bytes_;
};

}  // namespace

std::string HttpRequest::header(std::string_view name) const {
    const auto* value = find_header(headers, name);
    return value == nullptr ? std::string() : *value;
}

bool HttpRequest::has_header(std::string_view name) const {
    return find_header(headers, name) != nullptr;
}

std::string HttpRequest::path() const {
    return percent_decoded(std::string_view(target).substr(0, target.find('?')));
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
    const auto mark = target.find('?');
    auto rest = mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
    while (!rest.empty()) {
        const auto pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
        const auto equals = std::min(pair.find('='), pair.size());
        if (percent_decoded(pair.substr(0, equals)) != name) continue;
        return percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
    }
    return std::nullopt;
}

struct HttpServer::Connection {
    int socket;
    int number;
    bool dropped = false;
    bool done = false;
    std::thread thread = {};
};

HttpServer::HttpServer(Handler handler, std::uint16_t port) : handler_(std::move(handler)) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener, generic, size) != 0 || ::getsockname(listener, generic, &size) != 0) {
        ::close(listener);
        fail("bind to port " + std::to_string(port));
    }
    port_ = ntohs(address.sin_port);
    listen_and_start(listener);
}

HttpServer::HttpServer(Handler handler, const std::filesystem::path& unix_socket) : handler_(std::move(handler)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (unix_socket.native().size() >= sizeof address.sun_path) throw std::length_error("test server: path too long");
    unix_socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
    ::unlink(unix_socket.c_str());
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(listener);
        fail("bind to " + unix_socket.string());
    }
    listen_and_start(listener);
}

void HttpServer::listen_and_start(int listener) {
    if (::listen(listener, backlog) != 0) {
        ::close(listener);
        fail("listen");
    }
    listener_ = listener;
    acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    // shutdown() wakes the accept(); close() alone would not.
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    drop_connections();
    for (auto& connection : connections_) connection.thread.join();
}

std::string HttpServer::url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

std::vector<HttpRequest> HttpServer::requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

std::size_t HttpServer::request_count() const {
    const std::scoped_lock lock(mutex_);
    return requests_.size();
}

int HttpServer::connections() const {
    const std::scoped_lock lock(mutex_);
    return accepted_ - forgotten_;
}

int HttpServer::most_at_once() const {
    const std::scoped_lock lock(mutex_);
    return most_at_once_;
}

void HttpServer::forget() {
    const std::scoped_lock lock(mutex_);
    requests_.clear();
    forgotten_ = accepted_;
    most_at_once_ = under_way_;
}

bool HttpServer::wait_for_requests(std::size_t count) const {
    constexpr std::chrono::seconds patience(60);
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return requests_.size() >= count; });
}

void HttpServer::drop_connections() {
    const std::scoped_lock lock(mutex_);
    for (auto& connection : connections_) {
        connection.dropped = true;
        if (connection.socket >= 0) ::shutdown(connection.socket, SHUT_RDWR);
    }
    changed_.notify_all();
}

void HttpServer::accept_all() {
    for (;;) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        const std::scoped_lock lock(mutex_);
        if (socket < 0 || stopping_) {
            if (socket >= 0) ::close(socket);
            return;
        }
        const int yes = 1;
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        reap();
        auto& connection = connections_.emplace_back(Connection{socket, ++accepted_});
        connection.thread = std::thread([this, &connection] { serve(connection); });
    }
}

/// To be called with mutex_ held. Threads of ended connections no longer take the mutex, so joining them is safe.
void HttpServer::reap() {
    connections_.remove_if([](Connection& connection) {
        if (connection.done) connection.thread.join();
        return connection.done;
    });
}

void HttpServer::serve(Connection& connection) {
    RequestReader reader(connection.socket);
    while (auto request = reader.read()) {
        request->connection = connection.number;
        note_arrival(*request);
        const auto reply = handle(*request);
        if (!answer(connection, *request, reply)) break;
    }
    const std::scoped_lock lock(mutex_);
    ::close(connection.socket);
    connection.socket = -1;
    connection.done = true;
}

HttpReply HttpServer::handle(const HttpRequest& request) const {
    try {
        return handler_(request);
    } catch (const std::exception& error) {
        return {.status = 500, .body = std::string("the test server's handler threw: ") + error.what()};
    }
}

void HttpServer::note_arrival(const HttpRequest& request) {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(request);
    most_at_once_ = std::max(most_at_once_, ++under_way_);
    changed_.notify_all();
}

void HttpServer::note_answer() {
    const std::scoped_lock lock(mutex_);
    --under_way_;
}

/// Sends an answer. False when the connection ends.
bool HttpServer::answer(Connection& connection, const HttpRequest& request, const HttpReply& reply) {
    const bool alive = reply.delay.count() == 0 || pause(connection, reply.delay);
    // Count before the first byte is sent: the client may send its next request as soon as it has the last byte.
    note_answer();
    const int socket = connection.socket;
    if (reply.reset) {
        const linger at_once{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    if (!alive || reply.drop) return false;
    if (reply.verbatim) {
        send_all(socket, *reply.verbatim);
        return false;
    }
    const auto head = head_of(reply);
    if (reply.cut_head) {
        send_all(socket, std::string_view(head).substr(0, *reply.cut_head));
        return false;
    }
    // Send head and body in one piece if possible, because two small packets would be slower.
    const bool whole = has_body(reply, request.method) && reply.framing == HttpReply::Framing::length &&
                       reply.drip.count() == 0 && !reply.cut_after;
    if (!send_all(socket, whole ? head + reply.body : head)) return false;
    if (!whole && has_body(reply, request.method) && !send_body(connection, reply)) return false;
    return !reply.close && reply.framing != HttpReply::Framing::until_close;
}

/// Sends the body. False when the connection ends.
bool HttpServer::send_body(const Connection& connection, const HttpReply& reply) {
    const bool chunked = reply.framing == HttpReply::Framing::chunked;
    const auto body = std::string_view(reply.body);
    const auto end = std::min(reply.cut_after.value_or(body.size()), body.size());
    for (std::size_t at = 0; at < end;) {
        if (reply.drip.count() > 0 && !pause(connection, reply.drip)) return false;
        const auto piece = reply.drip.count() > 0 ? body.substr(at, reply.drip_bytes) : body.substr(at);
        const auto sent = piece.substr(0, end - at);
        const auto text = chunked ? chunk_head(piece.size()) + std::string(sent) : std::string(sent);
        at += sent.size();
        if (!send_all(connection.socket, chunked && sent.size() == piece.size() ? text + "\r\n" : text)) return false;
    }
    if (reply.cut_after) return false;
    return !chunked || send_all(connection.socket, "0\r\n\r\n");
}

/// Waits; false when the connection or the server ends meanwhile.
bool HttpServer::pause(const Connection& connection, std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, time, [&] { return stopping_ || connection.dropped; });
}

}  // namespace deployer
