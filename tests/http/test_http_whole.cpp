#include "http/asking.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

using namespace deployer;
using namespace std::chrono_literals;
using Framing = HttpReply::Framing;

namespace {

std::string cause(const HttpReply& reply, const http::ClientOptions& options = plain_options()) {
    HttpServer server(always(reply));
    const auto error = failed_get(server.url("/x?token=secret"), options);
    const std::string text = error.what();
    CHECK(error.kind() == ErrorKind::unavailable);
    const auto start = "GET " + server.url("/x") + ": ";
    CHECK(text.substr(0, start.size()) == start);
    return text.substr(start.size());
}

/// Takes one connection and reads from it slowly until `size` bytes have come, then answers with 204.
class SlowReader {
public:
    explicit SlowReader(std::size_t size) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int small = 64 << 10;
        ::setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 1) != 0 ||
            ::getsockname(listener_, generic, &length) != 0) {
            throw std::runtime_error("cannot listen");
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this, size] { serve(size); });
    }
    ~SlowReader() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    SlowReader(const SlowReader&) = delete;
    SlowReader& operator=(const SlowReader&) = delete;
    SlowReader(SlowReader&&) = delete;
    SlowReader& operator=(SlowReader&&) = delete;

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/x"; }

private:
    void serve(std::size_t size) const {
        const int connection = ::accept(listener_, nullptr, nullptr);
        std::string piece(256U << 10U, '\0');
        for (std::size_t got = 0; got < size;) {
            std::this_thread::sleep_for(20ms);
            const auto count = ::recv(connection, piece.data(), piece.size(), MSG_WAITALL);
            if (count <= 0) break;
            got += static_cast<std::size_t>(count);
        }
        constexpr std::string_view answer = "HTTP/1.1 204 No Content\r\n\r\n";
        (void)::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
        ::close(connection);
    }

    int listener_;
    std::uint16_t port_ = 0;
    std::jthread thread_;
};

}  // namespace

TEST_CASE("http: an answer whose body is whole is taken, however it is framed") {
    for (const auto framing : {Framing::length, Framing::chunked}) {
        for (const auto& body : {std::string(), std::string("hello"), std::string(300'000, 'x')}) {
            HttpServer server(always({.body = body, .framing = framing, .close = true}));
            CHECK(get(server.url()).body == body);
        }
    }
    HttpServer slow(always({.body = "hello", .framing = Framing::chunked, .drip = 1ms}));
    CHECK(get(slow.url()).body == "hello");
}

TEST_CASE("http: a body that is shorter than its Content-Length is no answer") {
    const std::string body(200, 'x');
    CHECK(cause({.body = body, .cut_after = 100}) == "the answer was cut short: 100 of 200 bytes");
    CHECK(cause({.body = body, .cut_after = 0}) == "the answer was cut short: 0 of 200 bytes");
    CHECK(cause({.body = body, .cut_after = 199}) == "the answer was cut short: 199 of 200 bytes");
    CHECK(cause({.status = 404, .body = body, .cut_after = 100}) == "the answer was cut short: 100 of 200 bytes");
}

TEST_CASE("http: chunks without their end are no answer") {
    const std::string body(200, 'x');
    const auto cut = [&](std::size_t after) {
        return cause({.body = body, .framing = Framing::chunked, .cut_after = after});
    };
    CHECK(cut(100) == "the answer was cut short after 100 bytes");
    CHECK(cut(0) == "the answer was cut short after 0 bytes");
    CHECK(cut(200) == "the answer was cut short after 200 bytes");
}

TEST_CASE("http: a connection that is reset within the body gives no answer") {
    const std::string body(200, 'x');
    HttpReply reply{.body = body, .drip = 1ms, .drip_bytes = 100, .cut_after = 100, .reset = true};
    CHECK_THAT(cause(reply), Catch::StartsWith("the answer was cut short"));
    reply.framing = Framing::chunked;
    CHECK_THAT(cause(reply), Catch::StartsWith("the answer was cut short"));
}

TEST_CASE("http: a body that only the connection's end ends is no answer") {
    constexpr const char* untold = "whether the answer is whole cannot be told: it has neither length nor chunks";
    CHECK(cause({.body = "hello", .framing = Framing::until_close}) == untold);
    CHECK(cause({.framing = Framing::until_close}) == untold);
    CHECK(cause({.verbatim = "HTTP/1.0 200 OK\r\n\r\nhello"}) == untold);
    CHECK(cause({.verbatim = "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello"}) == untold);
}

TEST_CASE("http: an answer that has no body needs no length") {
    for (const int status : {204, 304}) {
        HttpServer server(always({.status = status, .framing = Framing::until_close}));
        CHECK(get(server.url()).status == status);
    }
    HttpServer server(always({.framing = Framing::until_close}));
    const TestCall call;
    CHECK(http::Client(plain_options()).send(http::Request{.method = "HEAD", .url = server.url()}, call).status == 200);
    HttpServer old(always({.verbatim = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"}));
    CHECK(get(old.url()).body == "hello");
}

TEST_CASE("http: headers that are cut are no answer, wherever") {
    const std::string whole = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 0\r\n\r\n";
    for (std::size_t length = 1; length < whole.size(); ++length) {
        CAPTURE(length);
        HttpServer server(always({.verbatim = whole.substr(0, length)}));
        CHECK(failed_get(server.url()).kind() == ErrorKind::unavailable);
    }
    CHECK(cause({.verbatim = whole.substr(0, whole.size() - 2)}) == "the answer was cut short within its headers");
    CHECK(cause({.verbatim = "HTTP/1.1 204 No Content\r\n"}) == "the answer was cut short within its headers");
    (void)cause({.verbatim = "HTTP/1.1 100 Continue\r\n\r\n"});
    CHECK(cause({.body = "hello", .cut_head = 30}) == "the answer was cut short within its headers");
}

TEST_CASE("http: interim answers and trailers are no part of the answer") {
    HttpServer server(always({.verbatim = "HTTP/1.1 103 Early Hints\r\nX-Interim: 1\r\n\r\n"
                                          "HTTP/1.1 200 OK\r\nX-Final: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                                          "5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n"}));
    const auto response = get(server.url());
    CHECK(response.status == 200);
    CHECK(response.body == "hello");
    CHECK(response.header("X-Interim").empty());
    CHECK(response.header("X-Final") == "1");
    CHECK(response.header("X-Trailer").empty());
}

TEST_CASE("http: what is no HTTP is no answer") {
    CHECK_THAT(cause({.verbatim = "SSH-2.0-OpenSSH_9.2\r\n"}), Catch::StartsWith("the answer is not HTTP"));
    CHECK_THAT(cause({.verbatim = "hello"}), Catch::StartsWith("the answer is not HTTP"));
    (void)cause({.verbatim = "HTTP/1.1 abc\r\n\r\n"});
    (void)cause({.verbatim = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"});
    (void)cause({.verbatim = "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello"});
    (void)cause({.verbatim = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n"});
    (void)cause({.verbatim = "HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n"});
}

TEST_CASE("http: a connection without an answer is said so") {
    CHECK(cause({.drop = true}) == "connection closed without an answer");
    CHECK_THAT(cause({.drop = true, .reset = true}), Catch::StartsWith("connection lost"));
    const auto refused = failed_get("http://127.0.0.1:1/x?secret");
    CHECK(refused.kind() == ErrorKind::unavailable);
    CHECK(std::string(refused.what()) == "GET http://127.0.0.1:1/x: connection refused");
    const auto unknown = failed_get("http://nobody.invalid/x");
    CHECK(unknown.kind() == ErrorKind::unavailable);
    CHECK(std::string(unknown.what()) == "GET http://nobody.invalid/x: cannot resolve host nobody.invalid");
}

TEST_CASE("http: a body may have max_body bytes and not one more") {
    auto options = with_attempts(3);
    options.max_body = 1000;
    for (const auto framing : {Framing::length, Framing::chunked}) {
        HttpServer exact(always({.body = std::string(1000, 'x'), .framing = framing}));
        CHECK(get(exact.url(), options).body.size() == 1000);
        HttpServer larger(always({.body = std::string(1001, 'x'), .framing = framing}));
        const auto error = failed_get(larger.url("/x"), options);
        CHECK(error.kind() == ErrorKind::rejected);
        CHECK(std::string(error.what()) == "GET " + larger.url("/x") + ": the answer is larger than 1000 bytes");
        CHECK(larger.request_count() == 1);
        const TestCall call;
        const std::vector<http::Request> both{{.url = larger.url()}, {.url = "ftp://example.org/"}};
        const auto results = http::Client(options).send(both, call);
        CHECK(results[0].too_large);
        CHECK_FALSE(results[1].too_large);
    }
}

TEST_CASE("http: a body that never ends is given up where it gets too large") {
    auto options = plain_options();
    options.max_body = 1000;
    HttpServer server(
        always({.body = std::string(100'000, 'x'), .framing = Framing::chunked, .drip = 1ms, .drip_bytes = 100}));
    CHECK(says(failed_get(server.url(), options), "larger than 1000 bytes"));
    // When the length is announced, the client does not even wait for the first byte.
    HttpServer announced(always({.body = std::string(100'000, 'x'), .drip = 1ms, .drip_bytes = 1}));
    CHECK(says(failed_get(announced.url(), options), "larger than 1000 bytes"));
}

TEST_CASE("http: HEAD tells of a large body without an error") {
    auto options = plain_options();
    options.max_body = 10;
    HttpServer server(always({.body = std::string(1000, 'x')}));
    const TestCall call;
    const auto response = http::Client(options).send(http::Request{.method = "HEAD", .url = server.url()}, call);
    CHECK(response.header("Content-Length") == "1000");
}

TEST_CASE("http: headers that never end are given up") {
    std::string text = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 10'000; ++i) text += "X-Header-" + std::to_string(i) + ": " + std::string(30, 'x') + "\r\n";
    HttpServer server(always({.verbatim = text}));
    const auto error = failed_get(server.url());
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(says(error, "its headers are larger than"));
}

TEST_CASE("http: an answer that stalls is given up, one that goes on slowly is not") {
    auto options = plain_options();
    options.stall_timeout = 600ms;
    CHECK(cause({.delay = HttpReply::forever}, options) == "no answer within 600ms");
    CHECK(cause({.body = "hello", .drip = HttpReply::forever}, options) ==
          "nothing came for 600ms, the answer was cut short: 0 of 5 bytes");
    HttpServer slow(always({.body = std::string(30, 'x'), .drip = 25ms}));
    CHECK(get(slow.url(), options).body.size() == 30);
}

TEST_CASE("http: a request that goes out slowly has not stalled") {
    auto options = plain_options();
    options.stall_timeout = 600ms;
    const std::string body(16U << 20U, 'x');
    const SlowReader server(body.size());
    const TestCall call;
    const http::Request request{.method = "PUT", .url = server.url(), .body = body};
    CHECK(http::Client(options).send(request, call).status == 204);
}

TEST_CASE("http: what a server compresses without being asked comes as it was before") {
    // printf 'services: []\n' | gzip -9n
    constexpr std::string_view gzipped(
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x2b\x4e\x2d\x2a\xcb\x4c\x4e\x2d\xb6\x52\x88\x8e\xe5\x02\x00\xf8\xdb"
        "\xb4\xdb\x0d\x00\x00\x00",
        33);
    const auto framing = GENERATE(Framing::length, Framing::chunked);
    const HttpReply reply{.headers = {{"Content-Encoding", "gzip"}}, .body = std::string(gzipped), .framing = framing};
    HttpServer server(always(reply));
    CHECK(get(server.url()).body == "services: []\n");
    CHECK_FALSE(server.requests().at(0).has_header("Accept-Encoding"));

    SECTION("but not a part of it, or what is damaged") {
        auto cut = reply;
        cut.cut_after = gzipped.size() - 9;
        CHECK(cause(cut).find("cut short") != std::string::npos);
        auto damaged = reply;
        damaged.body[12] = '~';
        CHECK(cause(damaged).find("Content-Encoding") != std::string::npos);
    }
    SECTION("nor more of it than is allowed") {
        auto options = plain_options();
        options.max_body = 12;
        CHECK(says(failed_get(server.url(), options), "larger than 12 bytes"));
    }
    SECTION("and an encoding that nobody knows is named") {
        const HttpReply unknown{.headers = {{"Content-Encoding", "rot13"}}, .body = "frevivrf"};
        CHECK(cause(unknown).starts_with("cannot undo the answer's Content-Encoding: "));
    }
}
