#include "http/asking.hpp"
#include "support/temp_dir.hpp"

using namespace deployer;
using http::Client;
using http::Request;

namespace {

/// The reason why the client refuses a request. No server listens at its url, so a request that is sent all the same is
/// `unavailable`.
std::string refusal(const Request& request) {
    const TestCall call;
    const auto error = thrown_by([&] { (void)Client(plain_options()).send(request, call); });
    UNSCOPED_INFO(error.what());
    return error.kind() == ErrorKind::rejected ? error.what() : std::string("not refused: ") + error.what();
}

bool refuses(const Request& request, std::string_view reason) {
    const auto text = refusal(request);
    return text.find("not refused") == std::string::npos && text.find(reason) != std::string::npos;
}

constexpr const char* nowhere = "http://127.0.0.1:1/path";

Request with_header(const std::string& name, const std::string& value) {
    return {.url = nowhere, .headers = {{name, value}}};
}

}  // namespace

TEST_CASE("http: a request reaches the server as it was given, and the answer the caller") {
    HttpServer server(always({.status = 201, .headers = {{"X-Answer", " yes "}, {"Empty", ""}}, .body = "hello"}));
    const TestCall call;
    const Client client(plain_options());
    Request request{.method = "PUT", .url = server.url("/a/b?c=d&e"), .headers = {{"X-One", "1 2"}}, .body = "content"};
    const auto response = client.send(request, call);
    CHECK(response.status == 201);
    CHECK(response.body == "hello");
    CHECK(response.header("x-answer") == "yes");
    CHECK(response.url == server.url("/a/b?c=d&e"));

    const auto seen = server.requests().at(0);
    CHECK(seen.method == "PUT");
    CHECK(seen.target == "/a/b?c=d&e");
    CHECK(seen.header("X-One") == "1 2");
    CHECK(seen.body == "content");
    CHECK(seen.header("Content-Length") == "7");
    CHECK_FALSE(seen.has_header("Content-Type"));
    CHECK_FALSE(seen.has_header("Expect"));
    CHECK(seen.header("User-Agent") == "coco-fleet-deployer");
}

TEST_CASE("http: each method is sent as it is") {
    HttpServer server(always({.body = "hello"}));
    const TestCall call;
    const Client client(plain_options());
    const auto send = [&](const Request& request) { return client.send(request, call); };

    CHECK(send({.method = "GET", .url = server.url()}).body == "hello");
    const auto head = send({.method = "HEAD", .url = server.url()});
    CHECK(head.body.empty());
    CHECK(head.header("Content-Length") == "5");
    CHECK(send({.method = "PUT", .url = server.url()}).body == "hello");
    CHECK(send({.method = "DELETE", .url = server.url()}).body == "hello");
    CHECK(send({.method = "DELETE", .url = server.url(), .body = "why"}).body == "hello");

    const auto seen = server.requests();
    CHECK(seen.at(0).method == "GET");
    CHECK(seen.at(1).method == "HEAD");
    CHECK(seen.at(2).method == "PUT");
    CHECK(seen.at(2).header("Content-Length") == "0");
    CHECK(seen.at(3).method == "DELETE");
    CHECK(seen.at(4).body == "why");
    CHECK(server.connections() == 1);
}

TEST_CASE("http: a large body goes out without asking first, NUL bytes included") {
    HttpServer server(always({.status = 204}));
    const TestCall call;
    std::string body(3U << 20U, 'x');
    body[1000] = '\0';
    const Client client(plain_options());
    CHECK(client.send(Request{.method = "PUT", .url = server.url(), .body = body}, call).status == 204);
    CHECK(server.requests().at(0).body == body);
    CHECK_FALSE(server.requests().at(0).has_header("Expect"));
}

TEST_CASE("http: headers can be empty, and replace the client's own") {
    HttpServer server(always({}));
    const TestCall call;
    (void)Client(plain_options())
        .send(Request{.url = server.url(), .headers = {{"X-Empty", ""}, {"User-Agent", "me"}, {"Accept", "a/b"}}},
              call);
    const auto seen = server.requests().at(0);
    CHECK(seen.has_header("X-Empty"));
    CHECK(seen.header("X-Empty").empty());
    CHECK(seen.header("User-Agent") == "me");
    CHECK(seen.header("Accept") == "a/b");
}

TEST_CASE("http: any status is an answer") {
    for (const int status : {204, 300, 304, 400, 401, 403, 404, 409, 418, 500, 501}) {
        CAPTURE(status);
        HttpServer server(always({.status = status, .body = "why"}));
        const auto response = get(server.url());
        CHECK(response.status == status);
        CHECK(response.body == (status == 204 || status == 304 ? "" : "why"));
        CHECK(server.request_count() == 1);
    }
}

TEST_CASE("http: user and password of a url become basic authentication") {
    HttpServer server(always({}));
    const auto response = get("http://me:s%40cret@127.0.0.1:" + std::to_string(server.port()) + "/x");
    CHECK(server.requests().at(0).header("Authorization") == "Basic bWU6c0BjcmV0");
    CHECK(server.requests().at(0).target == "/x");
    CHECK(response.url == server.url("/x"));
}

TEST_CASE("http: no request is sent with a url that could be read in two ways") {
    CHECK(refuses({.url = "http://127.0.0.1:1/a\r\nX: y"}, "holds a space, a control character"));
    CHECK(refuses({.url = "http://127.0.0.1:1/a\nb"}, "control character"));
    CHECK(refuses({.url = "http://127.0.0.1:1/a b"}, "a space"));
    CHECK(refuses({.url = "http://127.0.0.1:1/\x7f"}, "control character"));
    CHECK(refuses({.url = "http://127.0.0.1:1/\xc3\xa4"}, "not ASCII"));
    CHECK(refuses({.url = std::string("http://127.0.0.1:1/\0x", 21)}, "control character"));
    CHECK(refuses({.url = "http://127.0.0.1:1/#fragment"}, "fragment"));
    CHECK(refuses({.url = "ftp://127.0.0.1/"}, "scheme is ftp, not http or https"));
    CHECK(refuses({.url = "file:///etc/passwd"}, "scheme is file"));
    CHECK(refuses({.url = "127.0.0.1:1/path"}, ""));
    CHECK(refuses({.url = "/path"}, "not a usable url"));
    CHECK(refuses({.url = "http://"}, ""));
    CHECK(refuses({.url = "http:///path"}, ""));
    CHECK(refuses({.url = "http://127.0.0.1:99999/"}, "port"));
    CHECK(refuses({.url = "http://a%0d%0ab/"}, ""));
    CHECK(refuses({.url = ""}, ""));
    CHECK(refuses({.url = nowhere + std::string(9000, 'x')}, "longer than 8192 bytes"));
}

TEST_CASE("http: no request is sent with a header that could be read as several") {
    CHECK(refuses(with_header("X", "a\r\nY: b"), "the value of header X"));
    CHECK(refuses(with_header("X", "a\nb"), "the value of header X"));
    CHECK(refuses(with_header("X", "a\tb"), "the value of header X"));
    CHECK(refuses(with_header("X", std::string("a\0b", 3)), "the value of header X"));
    CHECK(refuses(with_header("X", "\xc3\xa4"), "not ASCII"));
    CHECK(refuses(with_header("X", "token\n"), "the value of header X"));
    CHECK(refuses(with_header("X", " a"), "begins or ends with a space"));
    CHECK(refuses(with_header("X", "a "), "begins or ends with a space"));
    CHECK(refuses(with_header("X Y", "a"), "header name"));
    CHECK(refuses(with_header("X:", "a"), "header name"));
    CHECK(refuses(with_header("X\n", "a"), "header name"));
    CHECK(refuses(with_header("", "a"), "header name"));
    for (const auto* own : {"Host", "content-length", "Transfer-Encoding", "Connection"}) {
        CHECK(refuses(with_header(own, "1"), own));
    }
}

TEST_CASE("http: credentials are checked as headers are, and never shown") {
    const Request request{.url = nowhere, .credentials = {{"Authorization", "Bearer secret\n"}}};
    CHECK(refuses(request, "the value of header Authorization"));
    CHECK(refusal(request).find("secret") == std::string::npos);
}

TEST_CASE("http: only methods that may be repeated are sent") {
    CHECK(refuses({.method = "POST", .url = nowhere}, "none of GET, HEAD, PUT and DELETE"));
    CHECK(refuses({.method = "get", .url = nowhere}, "none of GET"));
    CHECK(refuses({.method = "PUT x", .url = nowhere}, "none of GET"));
    CHECK(refuses({.method = "", .url = nowhere}, "none of GET"));
    CHECK(refuses({.method = "GET", .url = nowhere, .body = "x"}, "a GET has no body"));
    CHECK(refuses({.method = "HEAD", .url = nowhere, .body = "x"}, "a HEAD has no body"));
}

TEST_CASE("http: plain http has to be allowed") {
    HttpServer server(always({}));
    auto options = plain_options();
    options.allow_http = false;
    const auto error = failed_get(server.url("/x"), options);
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(std::string(error.what()) == "GET " + server.url("/x") + ": http is not allowed, only https is");
    CHECK(server.connections() == 0);
}

TEST_CASE("http: hosts can be limited") {
    HttpServer server(always({}));
    auto options = plain_options();
    const auto port = std::to_string(server.port());
    for (const auto& allowed : {std::string("127.0.0.1"), "127.0.0.1:" + port}) {
        options.allowed_hosts = {"other.example", allowed};
        CHECK(get(server.url(), options).status == 200);
    }
    options.allowed_hosts = {"LOCALHOST"};
    CHECK(get("http://localhost:" + port + "/", options).status == 200);
    server.forget();
    for (const auto* allowed : {"other.example", "127.0.0.1:1", "127.0.0.10", "127.0.0"}) {
        options.allowed_hosts = {allowed};
        const auto error = failed_get(server.url(), options);
        CHECK(error.kind() == ErrorKind::rejected);
        CHECK(says(error, "host 127.0.0.1:" + port + " is not one of the allowed hosts"));
    }
    CHECK(server.connections() == 0);
}

TEST_CASE("http: connections are kept and used again") {
    HttpServer server(always({.body = "hello"}));
    const TestCall call;
    const Client client(plain_options());
    for (int i = 0; i < 5; ++i) CHECK(client.send(Request{.url = server.url()}, call).body == "hello");
    CHECK(server.connections() == 1);
}

TEST_CASE("http: as many connections are kept as there were requests side by side") {
    constexpr std::size_t side_by_side = 16;
    constexpr std::size_t alone = 16;
    // The first requests, and the last ones, are answered only when all of them have come, so each needs a connection.
    HttpServer server([&](const HttpRequest& request) {
        const auto all = request.path() == "/first"  ? side_by_side
                         : request.path() == "/last" ? 2 * side_by_side + alone
                                                     : 0;
        return HttpReply{.status = server.wait_for_requests(all) ? 200 : 500};
    });
    const TestCall call;
    const Client client(plain_options());
    const auto send_all = [&](const std::string& path) {
        for (const auto& result : client.send(std::vector<Request>(side_by_side, {.url = server.url(path)}), call)) {
            CHECK(result.response.status == 200);
        }
    };
    send_all("/first");
    for (std::size_t i = 0; i < alone; ++i) CHECK(client.send(Request{.url = server.url()}, call).status == 200);
    send_all("/last");
    CHECK(server.connections() == static_cast<int>(side_by_side));
}

TEST_CASE("http: a server may end kept connections") {
    HttpServer server(always({.body = "hello"}));
    const TestCall call;
    const Client client(plain_options());
    for (int i = 0; i < 3; ++i) {
        CHECK(client.send(Request{.url = server.url()}, call).body == "hello");
        server.drop_connections();
    }
    CHECK(server.request_count() == 3);
}

TEST_CASE("http: a server is reached over a Unix socket, whatever the host") {
    const TempDir dir;
    HttpServer server(always({.body = "hello"}), dir.path("fleet.sock"));
    auto options = plain_options();
    options.unix_socket = dir.path("fleet.sock");
    CHECK(get("http://fleet.invalid/fleet/v1/units", options).body == "hello");
    CHECK(server.requests().at(0).header("Host") == "fleet.invalid");
    CHECK(server.requests().at(0).target == "/fleet/v1/units");
}

TEST_CASE("http: a Unix socket that is not there is named") {
    const TempDir dir;
    auto options = plain_options();
    options.unix_socket = dir.path("fleet.sock");
    const auto absent = failed_get("http://fleet/x", options);
    CHECK(absent.kind() == ErrorKind::unavailable);
    CHECK(std::string(absent.what()) ==
          "GET http://fleet/x: " + dir.path("fleet.sock").string() + ": no such file or directory");
    options.unix_socket = dir.path(std::string(200, 'x'));
    CHECK(says(failed_get("http://fleet/x", options), "too long"));
}
