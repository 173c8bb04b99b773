#include "http/asking.hpp"

#include <utility>

using namespace deployer;
using http::Client;
using http::Request;

namespace {

HttpReply redirect(const std::string& location, int status = 302) {
    return {.status = status, .headers = {{"Location", location}}, .body = "over there"};
}

/// Answers "/" with a redirect and every other path with "hello".
HttpServer::Handler redirecting(const std::string& location, int status = 302) {
    return [=](const HttpRequest& request) {
        return request.path() == "/" ? redirect(location, status) : HttpReply{.body = "hello"};
    };
}

Request with_credentials(const std::string& url) {
    return {.url = url, .headers = {{"X-Plain", "1"}}, .credentials = {{"Authorization", "Bearer secret"}}};
}

std::string authorization(const HttpRequest& request) {
    return request.header("Authorization");
}

}  // namespace

TEST_CASE("http: GET and HEAD go where they are redirected to") {
    for (const int status : {301, 302, 303, 307, 308}) {
        HttpServer server(redirecting("/there?x=y#fragment", status));
        const auto response = get(server.url());
        CHECK(response.status == 200);
        CHECK(response.body == "hello");
        CHECK(response.url == server.url("/there?x=y"));
        CHECK(server.requests().at(1).target == "/there?x=y");
        CHECK(server.connections() == 1);

        const TestCall call;
        const auto head = Client(plain_options()).send(Request{.method = "HEAD", .url = server.url()}, call);
        CHECK(head.header("Content-Length") == "5");
        CHECK(server.requests().at(3).method == "HEAD");
    }
}

TEST_CASE("http: a redirect's location is relative to where it came from") {
    HttpServer server([](const HttpRequest& request) {
        return request.path() == "/a/b/c" ? redirect("../d?e") : HttpReply{.body = request.target};
    });
    CHECK(get(server.url("/a/b/c?x")).body == "/a/d?e");
}

TEST_CASE("http: PUT and DELETE are not redirected") {
    HttpServer server(redirecting("/there"));
    const TestCall call;
    const Client client(plain_options());
    for (const auto* method : {"PUT", "DELETE"}) {
        CHECK(client.send(Request{.method = method, .url = server.url()}, call).status == 302);
    }
    CHECK(server.request_count() == 2);
}

TEST_CASE("http: what leads nowhere is an answer") {
    for (const int status : {300, 304, 305}) {
        HttpServer server(redirecting("/there", status));
        CHECK(get(server.url()).status == status);
    }
    HttpServer server(always({.status = 302}));
    CHECK(get(server.url()).status == 302);
}

TEST_CASE("http: five redirects are followed, a sixth is not") {
    HttpServer server([](const HttpRequest& request) {
        const auto step = std::stoi(request.path().substr(1));
        return step == 0 ? HttpReply{.body = "hello"} : redirect("/" + std::to_string(step - 1));
    });
    CHECK(get(server.url("/5"), with_attempts(2)).body == "hello");
    server.forget();
    const auto error = failed_get(server.url("/6"), with_attempts(2));
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(says(error, "GET " + server.url("/6") + ": redirected to " + server.url("/1") + ": more than 5 redirects"));
    CHECK(server.request_count() == 6);
}

TEST_CASE("http: credentials go along within one origin") {
    HttpServer server(redirecting("/there"));
    const TestCall call;
    (void)Client(plain_options()).send(with_credentials(server.url()), call);
    const auto seen = server.requests();
    CHECK(authorization(seen.at(0)) == "Bearer secret");
    CHECK(authorization(seen.at(1)) == "Bearer secret");
}

TEST_CASE("http: credentials are dropped on a redirect to another port") {
    HttpServer other(always({.body = "hello"}));
    HttpServer server(redirecting(other.url("/there")));
    const TestCall call;
    CHECK(Client(plain_options()).send(with_credentials(server.url()), call).body == "hello");
    CHECK(authorization(server.requests().at(0)) == "Bearer secret");
    CHECK_FALSE(other.requests().at(0).has_header("Authorization"));
    CHECK(other.requests().at(0).header("X-Plain") == "1");
}

TEST_CASE("http: credentials are dropped on a redirect to another name of the host") {
    HttpServer server([&server](const HttpRequest& request) {
        const auto port = std::to_string(server.port());
        return request.path() == "/" ? redirect("http://localhost:" + port + "/there") : HttpReply{};
    });
    const TestCall call;
    (void)Client(plain_options()).send(with_credentials(server.url()), call);
    CHECK_FALSE(server.requests().at(1).has_header("Authorization"));
}

TEST_CASE("http: credentials that were dropped do not come back with another redirect") {
    std::string home;
    HttpServer other([&home](const HttpRequest&) { return redirect(home); });
    HttpServer server(redirecting(other.url()));
    home = server.url("/chosen-by-the-other");
    const TestCall call;
    (void)Client(plain_options()).send(with_credentials(server.url()), call);
    CHECK_FALSE(server.requests().at(1).has_header("Authorization"));
}

TEST_CASE("http: user and password of a url stay at its origin, too") {
    HttpServer other(always({.body = "hello"}));
    HttpServer server(
        [&other](const HttpRequest& request) { return redirect(request.path() == "/" ? "/there" : other.url("/x")); });
    (void)get("http://me:secret@127.0.0.1:" + std::to_string(server.port()) + "/");
    CHECK(server.requests().at(0).has_header("Authorization"));
    CHECK(server.requests().at(1).has_header("Authorization"));
    CHECK_FALSE(other.requests().at(0).has_header("Authorization"));
}

TEST_CASE("http: a redirect cannot bring a user and a password of its own") {
    HttpServer other(always({.body = "hello"}));
    HttpServer server(redirecting("http://them:theirs@127.0.0.1:" + std::to_string(other.port()) + "/x"));
    CHECK(get(server.url()).url == other.url("/x"));
    CHECK_FALSE(other.requests().at(0).has_header("Authorization"));
}

TEST_CASE("http: a redirect leads to allowed hosts only") {
    HttpServer other(always({.body = "hello"}));
    HttpServer server(redirecting(other.url("/there?token=secret")));
    auto options = with_attempts(2);
    options.allowed_hosts = {"127.0.0.1:" + std::to_string(server.port())};
    const auto error = failed_get(server.url(), options);
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(std::string(error.what()) == "GET " + server.url() + ": redirected to " + other.url("/there") +
                                           ": host 127.0.0.1:" + std::to_string(other.port()) +
                                           " is not one of the allowed hosts");
    CHECK(other.connections() == 0);
    CHECK(server.request_count() == 1);
}

TEST_CASE("http: a redirect leads to http and https only, in a url without tricks") {
    const std::vector<std::pair<std::string, std::string>> refused = {
        {"file:///etc/passwd", "redirected to file:///etc/passwd: the url's scheme is file, not http or https"},
        {"ftp://127.0.0.1/", "the url's scheme is ftp"},
        {"/a b", "holds a space"},
        {"/\xc3\xa4", "not ASCII"},
        {"http://127.0.0.1:99999/", "not a usable url"},
        {"/" + std::string(9000, 'x'), "redirected to …: the url is longer than 8192 bytes"},
    };
    for (const auto& [location, reason] : refused) {
        HttpServer server(redirecting(location));
        const auto error = failed_get(server.url(), with_attempts(2));
        CHECK(error.kind() == ErrorKind::rejected);
        CHECK(says(error, reason));
        CHECK(server.request_count() == 1);
    }
}

TEST_CASE("http: trouble behind a redirect is told with both urls, and tried again from the start") {
    HttpServer other(always({.drop = true}));
    HttpServer server(redirecting(other.url("/there?token=secret")));
    const auto error = failed_get(server.url("/?token=secret"), with_attempts(2));
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(std::string(error.what()) == "GET " + server.url() + ": redirected to " + other.url("/there") +
                                           ": connection closed without an answer, after 2 attempts");
    CHECK(server.request_count() == 2);
    CHECK(other.request_count() == 2);
}

TEST_CASE("http: a new attempt has its credentials again") {
    HttpServer other(always({.status = 503}));
    HttpServer server(redirecting(other.url("/there")));
    const TestCall call;
    (void)Client(with_attempts(2)).send(with_credentials(server.url()), call);
    CHECK(authorization(server.requests().at(1)) == "Bearer secret");
    CHECK_FALSE(other.requests().at(1).has_header("Authorization"));
}
