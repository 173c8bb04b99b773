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

/// What a client sent.
struct HttpRequest {
    std::string method;
    std::string target;  ///< as it came: "/fleet/v1/units?nextPageToken=x"
    HttpHeaders headers;
    std::string body;
    int connection = 0;  ///< that it came on, counted from 1 in the order of accepting

    /// The first header of that name, in any letter case; empty when there is none.
    [[nodiscard]] std::string header(std::string_view name) const;
    [[nodiscard]] bool has_header(std::string_view name) const;
    /// The target up to `?`, percent-decoded.
    [[nodiscard]] std::string path() const;
    /// A parameter of the query, percent-decoded.
    [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// What the server does about a request. Only the first three: a proper answer, with Content-Length, on a connection
/// that stays open. All else is for faults, which can be combined.
///     return HttpReply{.status = 200, .body = "hello"};
///     return HttpReply{.body = listing, .framing = HttpReply::Framing::chunked, .cut_after = 100};
///     return HttpReply{.drop = true};
struct HttpReply {
    enum class Framing {
        length,
        chunked,
        until_close,  ///< neither of both: the connection's end is the body's
    };
    static constexpr std::chrono::hours forever{24 * 365};

    int status = 200;
    HttpHeaders headers = {};  ///< as they are; a Content-Length among them replaces the true one
    std::string body = {};     ///< never sent for HEAD, 204 and 304; HEAD tells its length
    Framing framing = Framing::length;
    std::chrono::milliseconds delay{0};                   ///< before the first byte
    std::chrono::milliseconds drip{0};                    ///< before each `drip_bytes` of the body; 0: all at once
    std::size_t drip_bytes = 1;                           ///< see drip
    std::optional<std::size_t> cut_after = std::nullopt;  ///< so many bytes of the body, then the connection ends
    std::optional<std::size_t> cut_head = std::nullopt;   ///< so many bytes of status line and headers, then it ends
    bool drop = false;                                    ///< the connection ends without any answer
    bool reset = false;                                   ///< however it ends, it does so by RST instead of FIN
    bool close = false;                                   ///< the connection ends after the whole answer
    std::optional<std::string> verbatim = std::nullopt;   ///< these bytes instead of a formed answer; then it ends
};

/// An HTTP/1.1 server on loopback or a Unix socket, with a thread a connection: the base of doubles of real servers,
/// and honest about faults, since it writes each byte itself. It listens when it is constructed and ends, with all
/// connections and delays, with the object. Everything can be called from any thread.
///     HttpServer server([](const HttpRequest& request) { return HttpReply{.body = "you asked for " + request.path()};
///     }); client.send({.url = server.url("/x")}, call); CHECK(server.requests().size() == 1);
class HttpServer {
public:
    /// Called by the threads of connections, several at once: locks what it shares. An exception is answered with 500.
    using Handler = std::function<HttpReply(const HttpRequest&)>;

    /// On 127.0.0.1. `port` 0: a free one. A server that was there before may be followed at its port at once.
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

    /// All so far, in the order of their arrival.
    [[nodiscard]] std::vector<HttpRequest> requests() const;
    [[nodiscard]] std::size_t request_count() const;
    [[nodiscard]] int connections() const;   ///< accepted so far
    [[nodiscard]] int most_at_once() const;  ///< requests that were there and not yet answered, at most
    /// Forgets requests and starts counting anew. Connections keep their numbers.
    void forget();
    /// Until that many requests have come; false when they have not after a time that only a hang takes.
    [[nodiscard]] bool wait_for_requests(std::size_t count) const;

    /// Ends every connection, as a restart of the server does; goes on listening.
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
