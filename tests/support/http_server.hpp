#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace deployer {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// A client's request.
struct HttpRequest {
    std::string method;
    std::string target;  ///< as received: "/fleet/v1/units?nextPageToken=x"
    HttpHeaders headers;
    std::string body;
    int connection = 0;  ///< number of the connection, from 1 in the order of accepting

    /// The first header of that name, in any letter case; empty when there is none.
    [[nodiscard]] std::string header(std::string_view name) const;
    [[nodiscard]] bool has_header(std::string_view name) const;
    /// The target up to `?`, percent-decoded.
    [[nodiscard]] std::string path() const;
    /// A parameter of the query, percent-decoded.
    [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// The server's reaction to a request. With only the first three fields it is a proper answer with Content-Length on a
/// connection that stays open. The other fields are for faults, which can be combined.
///     return HttpReply{.status = 200, .body = "hello"};
///     return HttpReply{.body = listing, .framing = HttpReply::Framing::chunked, .cut_after = 100};
///     return HttpReply{.drop = true};
struct HttpReply {
    enum class Framing {
        length,
        chunked,
        until_close,  ///< neither of both: the end of the connection ends the body
    };
    static constexpr std::chrono::hours forever{24 * 365};

    int status = 200;
    HttpHeaders headers = {};  ///< sent unchanged; a Content-Length among them replaces the true one
    std::string body = {};     ///< never sent for HEAD, 204 and 304; HEAD gives its length
    Framing framing = Framing::length;
    std::chrono::milliseconds delay{0};                   ///< before the first byte
    std::chrono::milliseconds drip{0};                    ///< before each `drip_bytes` of the body; 0: all at once
    std::size_t drip_bytes = 1;                           ///< see drip
    std::optional<std::size_t> cut_after = std::nullopt;  ///< so many bytes of the body, then the connection ends
    std::optional<std::size_t> cut_head =
        std::nullopt;    ///< so many bytes of status line and headers, then the connection ends
    bool drop = false;   ///< the connection ends without any answer
    bool reset = false;  ///< the connection ends by RST instead of FIN
    bool close = false;  ///< the connection ends after the whole answer
    std::optional<std::string> verbatim =
        std::nullopt;  ///< send these bytes instead of an answer; then the connection ends
};

/// An HTTP/1.1 server on loopback or a Unix socket, with a thread for each connection: the base of doubles of real
/// servers. It can produce any fault, because it writes each byte itself. The constructor begins to listen; the
/// destructor ends all connections and delays. Any thread may call any function.
///     HttpServer server([](const HttpRequest& request) { return HttpReply{.body = "you asked for " + request.path()};
///     }); client.send({.url = server.url("/x")}, call); CHECK(server.requests().size() == 1);
class HttpServer {
public:
    /// Called by the connections' threads, several at once, so a handler locks its shared data. An exception gives a
    /// 500.
    using Handler = std::function<HttpReply(const HttpRequest&)>;

    /// Listens on 127.0.0.1. `port` 0: a free port. A new server may use the port of a former one at once.
    explicit HttpServer(Handler handler, std::uint16_t port = 0);
    HttpServer(Handler handler, const std::filesystem::path& unix_socket);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    HttpServer(HttpServer&&) = delete;
    HttpServer& operator=(HttpServer&&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }  ///< 0 for a Unix socket
    /// "http://127.0.0.1:PORT" and the path.
    [[nodiscard]] std::string url(std::string_view path = "/") const;

    /// All requests so far, in the order of their arrival.
    [[nodiscard]] std::vector<HttpRequest> requests() const;
    [[nodiscard]] std::size_t request_count() const;
    [[nodiscard]] int connections() const;   ///< number of connections accepted so far
    [[nodiscard]] int most_at_once() const;  ///< the most requests that were unanswered at a time
    /// Drops the recorded requests and resets the counts. Connections keep their numbers.
    void forget();
    /// Waits until that many requests have come; false after a timeout that only a hang reaches.
    [[nodiscard]] bool wait_for_requests(std::size_t count) const;

    /// Ends every connection, as a restart of the server does, and goes on listening.
    void drop_connections();

private:
    struct Connection;

    void listen_and_start(int listener);
    void accept_all();
    void serve(Connection& connection);
    [[nodiscard]] HttpReply handle(const HttpRequest& request) const;
    void note_arrival(const HttpRequest& request);
    void note_answer();
    bool answer(Connection& connection, const HttpRequest& request, const HttpReply& reply);
    bool send_body(const Connection& connection, const HttpReply& reply);
    bool pause(const Connection& connection, std::chrono::milliseconds time);
    void reap();

    Handler handler_;
    std::uint16_t port_ = 0;
    int listener_ = -1;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    bool stopping_ = false;
    std::vector<HttpRequest> requests_;
    int accepted_ = 0;
    int forgotten_ = 0;
    int under_way_ = 0;
    int most_at_once_ = 0;
    std::list<Connection> connections_;
    std::thread acceptor_;
};

}  // namespace deployer
