#include "http/asking.hpp"
#include "http/mounted.hpp"
#include "support/nginx.hpp"
#include "support/reserved_port.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_files.hpp"

#include <algorithm>
#include <set>

using namespace deployer;
using http::Client;
using http::ClientOptions;
using http::Request;

namespace {

ClientOptions trusting(const TlsFiles& tls) {
    ClientOptions options;
    options.ca_file = tls.ca();
    options.attempts = 2;
    return options;
}

const std::string says_hello = "location / { return 200 hello; }";

std::string on_address(const Nginx& nginx) {
    return "https://127.0.0.1:" + std::to_string(nginx.port()) + "/x";
}

}  // namespace

TEST_CASE("http: a server whose certificate the CA file vouches for is trusted") {
    const TlsFiles tls;
    const Nginx nginx(tls, says_hello);
    CHECK(get(nginx.url("/x"), trusting(tls)).body == "hello");
}

TEST_CASE("http: a server whose certificate nobody known vouches for is not asked") {
    const TlsFiles tls;
    const TlsFiles others;
    const Nginx nginx(tls, says_hello);
    for (const auto& options : {trusting(others), ClientOptions{}}) {
        const auto error = failed_get(nginx.url("/x?secret"), options);
        CHECK(error.kind() == ErrorKind::unavailable);
        CHECK(std::string(error.what()) == "GET " + nginx.url("/x") +
                                               ": TLS certificate of localhost not trusted: "
                                               "unable to get local issuer certificate");
    }
    CHECK(nginx.served().empty());
}

TEST_CASE("http: the system's certificates are trusted, but not beside a CA file") {
    const TlsFiles tls;
    const TempDir system;
    system.write("ca-certificates.crt", system.read(tls.ca()));
    system.write("ca.pem", system.read(tls.ca()));
    REQUIRE(Program({"rehash", system.path().string()}, "/usr/bin/openssl").wait() == 0);
    const Mounted mounted(system.path(), "/etc/ssl/certs");
    if (!mounted.problem().empty()) {
        WARN("skipped: " << mounted.problem());
        return;
    }
    const Nginx nginx(tls, says_hello);
    CHECK(get(nginx.url(), ClientOptions{}).body == "hello");
    const TlsFiles others;
    CHECK(says(failed_get(nginx.url(), trusting(others)), "not trusted"));
}

TEST_CASE("http: a certificate for another name is not trusted") {
    const TlsFiles tls;
    const Nginx nginx(tls, says_hello);
    const auto error = failed_get(on_address(nginx), trusting(tls));
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "TLS certificate of 127.0.0.1 not trusted: "));
    CHECK(nginx.served().empty());
}

TEST_CASE("http: a CA file that cannot be used is for a person to mend") {
    const TlsFiles tls;
    const Nginx nginx(tls, says_hello);
    const TempDir dir;
    auto options = trusting(tls);
    options.ca_file = dir.path("absent.crt");
    const auto absent = failed_get(nginx.url(), options);
    CHECK(absent.kind() == ErrorKind::misconfigured);
    CHECK(says(absent, "cannot use the trusted certificates"));
    CHECK(says(absent, dir.path("absent.crt").string()));
    options.ca_file = dir.write("wrong.crt", "no certificate");
    CHECK(failed_get(nginx.url(), options).kind() == ErrorKind::misconfigured);
}

TEST_CASE("http: a client shows its certificate where one is wanted") {
    const TlsFiles tls;
    const Nginx nginx(tls, "ssl_verify_client on;\nssl_client_certificate " + tls.ca().string() + ";\n" + says_hello);
    auto options = trusting(tls);
    CHECK(get(nginx.url(), options).status == 400);

    options.client_certificate = tls.client_certificate();
    options.client_key = tls.client_key();
    CHECK(get(nginx.url(), options).body == "hello");

    const TempDir dir;
    options.client_certificate = dir.write("both.pem", dir.read(tls.client_certificate()) + dir.read(tls.client_key()));
    options.client_key.clear();
    CHECK(get(nginx.url(), options).body == "hello");

    const auto locked = dir.path("locked.key").string();
    Program openssl({"ec", "-aes256", "-passout", "pass:secret", "-in", tls.client_key().string(), "-out", locked},
                    "/usr/bin/openssl");
    REQUIRE(openssl.wait() == 0);
    options.client_certificate = tls.client_certificate();
    options.client_key = locked;
    CHECK(failed_get(nginx.url(), options).kind() == ErrorKind::misconfigured);

    options.client_certificate = dir.path("absent.crt");
    const auto error = failed_get(nginx.url(), options);
    CHECK(error.kind() == ErrorKind::misconfigured);
    CHECK(says(error, "cannot use the client certificate"));
}

TEST_CASE("http: a server that speaks no TLS gives an error") {
    const TlsFiles tls;
    const ReservedPort plain;
    const Nginx nginx(tls, "listen 127.0.0.1:" + plain.text() + ";\n" + says_hello);
    const auto error = failed_get("https://localhost:" + plain.text() + "/", trusting(tls));
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "no TLS connection with localhost: "));
}

TEST_CASE("http: a server that is silent about TLS is no connection") {
    HttpServer silent(always({}));
    const auto error = failed_get("https://127.0.0.1:" + std::to_string(silent.port()) + "/",
                                  ClientOptions{.connect_timeout = std::chrono::milliseconds(100), .attempts = 1});
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "no connection within 100ms"));
}

TEST_CASE("http: a redirect from https to http is refused unless http is allowed") {
    HttpServer plain(always({.body = "hello"}));
    const TlsFiles tls;
    const Nginx nginx(tls, "location / { return 302 " + plain.url("/x") + "; }");
    auto options = trusting(tls);
    const auto error = failed_get(nginx.url(), options);
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(says(error, "redirected to " + plain.url("/x") + ": http is not allowed, only https is"));
    CHECK(plain.connections() == 0);

    options.allow_http = true;
    const TestCall call;
    const Request request{.url = nginx.url(), .credentials = {{"Authorization", "Bearer secret"}}};
    CHECK(Client(options).send(request, call).body == "hello");
    CHECK_FALSE(plain.requests().at(0).has_header("Authorization"));
}

TEST_CASE("http: many requests with TLS go over few connections, by HTTP/1.1 whatever the server has") {
    const TempDir files;
    const std::string content(300'000, 'x');
    files.write("large", content);
    const TlsFiles tls;
    const Nginx nginx(tls, "root " + files.path().string() + ";");
    const TestCall call;
    const Client client(trusting(tls));
    const std::vector<Request> requests(60, Request{.url = nginx.url("/large")});
    for (int round = 0; round < 2; ++round) {
        for (const auto& result : client.send(requests, call)) {
            REQUIRE_FALSE(result.error);
            CHECK(result.response.body == content);
        }
    }
    REQUIRE(nginx.wait_until_served(120));
    std::set<int> connections;
    for (const auto& served : nginx.served()) {
        CHECK(served.protocol == "HTTP/1.1");
        connections.insert(served.connection);
    }
    CHECK(connections.size() <= 16);
}

TEST_CASE("http: conditional requests and missing files, with TLS") {
    const TempDir files;
    files.write("services.yaml", "services: []\n");
    const TlsFiles tls;
    const Nginx nginx(tls, "root " + files.path().string() + ";");
    const TestCall call;
    const Client client(trusting(tls));
    const auto first = client.send(Request{.url = nginx.url("/services.yaml")}, call);
    CHECK(first.body == "services: []\n");
    const std::string tag(first.header("ETag"));
    CHECK_FALSE(tag.empty());
    const Request again{.url = nginx.url("/services.yaml"), .headers = {{"If-None-Match", tag}}};
    const auto second = client.send(again, call);
    CHECK(second.status == 304);
    CHECK(second.body.empty());
    CHECK(client.send(Request{.url = nginx.url("/absent")}, call).status == 404);
}

TEST_CASE("http: an answer cut by a gateway is no answer") {
    HttpServer behind(always({.body = std::string(200'000, 'x'),
                              .drip = std::chrono::milliseconds(1),
                              .drip_bytes = 50'000,
                              .cut_after = 100'000}));
    const TlsFiles tls;
    const Nginx nginx(tls, "location / { proxy_pass " + behind.url() + "; proxy_http_version 1.1; }");
    auto options = trusting(tls);
    options.attempts = 1;
    const auto error = failed_get(nginx.url("/x"), options);
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "cut short"));
}

TEST_CASE("http: a kept TLS connection that the server has closed does no harm") {
    const TlsFiles tls;
    const Nginx nginx(tls, "keepalive_timeout 0;\n" + says_hello);
    const TestCall call;
    const Client client(trusting(tls));
    for (int i = 0; i < 5; ++i) CHECK(client.send(Request{.url = nginx.url()}, call).body == "hello");
}

TEST_CASE("http: a server that hangs up within a request is unavailable, and that raises no signal") {
    const TlsFiles tls;
    const std::string body(16U << 20U, 'x');
    const Nginx nginx(tls, "client_max_body_size 0; location / { return 444; }");
    const TestCall call;
    const Client client(trusting(tls));
    const Request request{.method = "PUT", .url = nginx.url(), .body = body};
    CHECK(thrown_by([&] { (void)client.send(request, call); }).kind() == ErrorKind::unavailable);
}
