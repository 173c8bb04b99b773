#include "http/asking.hpp"
#include "support/socks_proxy.hpp"
#include "support/temp_dir.hpp"
#include "yaml/yaml_document.hpp"

#include <connection_settings.hpp>

#include <cstdlib>

using namespace deployer;
using http::Client;
using http::ClientOptions;
using http::Request;

namespace {

ClientOptions through(const std::string& proxy) {
    auto options = plain_options();
    options.proxy = proxy;
    return options;
}

/// Sets environment variables that libcurl would read, during its lifetime.
class Environment {
public:
    explicit Environment(const std::string& proxy) {
        for (const auto* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::setenv(name, proxy.c_str(), 1);
    }
    ~Environment() {
        for (const auto* name : {"http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"}) ::unsetenv(name);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    Environment(Environment&&) = delete;
    Environment& operator=(Environment&&) = delete;

    void except(const std::string& hosts) const {
        for (const auto* name : {"no_proxy", "NO_PROXY"}) ::setenv(name, hosts.c_str(), 1);
    }
};

}  // namespace

TEST_CASE("http: socks5h connects through the proxy, which resolves the name") {
    HttpServer server(always({.body = "hello"}));
    const SocksProxy proxy;
    const auto where = "localhost:" + std::to_string(server.port());
    CHECK(get("http://" + where + "/x", through(proxy.url())).body == "hello");
    CHECK(server.requests().at(0).target == "/x");
    CHECK(eventually([&] { return proxy.has_connected_to(where); }));
}

TEST_CASE("http: a connection through a proxy is kept, too") {
    HttpServer server(always({.body = "hello"}));
    const SocksProxy proxy;
    const TestCall call;
    const Client client(through(proxy.url()));
    for (int i = 0; i < 3; ++i) CHECK(client.send(Request{.url = server.url()}, call).body == "hello");
    CHECK(server.connections() == 1);
}

TEST_CASE("http: a proxy that is not there is named, without its password") {
    const ReservedPort nobody;
    const auto error = failed_get("http://host.invalid/x", through("socks5h://me:secret@127.0.0.1:" + nobody.text()));
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(std::string(error.what()) ==
          "GET http://host.invalid/x: proxy socks5h://127.0.0.1:" + nobody.text() + ": connection refused");
    const auto unknown = failed_get("http://host/x", through("socks5h://me:secret@nobody.invalid:1080"));
    CHECK(says(unknown, "cannot resolve host of proxy socks5h://nobody.invalid:1080"));
}

TEST_CASE("http: what a proxy cannot reach is said to be behind it") {
    const SocksProxy proxy;
    const ReservedPort nobody;
    const auto refused = failed_get("http://127.0.0.1:" + nobody.text() + "/x", through(proxy.url()));
    CHECK(refused.kind() == ErrorKind::unavailable);
    CHECK(says(refused, "proxy " + proxy.url() + " cannot reach 127.0.0.1: connection refused"));
    const auto unknown = failed_get("http://nobody.invalid/x", through(proxy.url()));
    CHECK(says(unknown, "proxy " + proxy.url() + " cannot reach nobody.invalid: "));
}

TEST_CASE("http: a proxy that wants a password gets it, and its refusal is said") {
    HttpServer server(always({.body = "hello"}));
    const SocksProxy proxy("me", "secret");
    CHECK(get(server.url(), through("socks5h://me:secret@" + proxy.address())).body == "hello");
    const auto error = failed_get(server.url(), through("socks5h://me:wrong-secret@" + proxy.address()));
    CHECK(says(error, "the proxy wants another user or password"));
    CHECK_FALSE(says(error, "secret"));
    CHECK(says(failed_get(server.url(), through("socks5h://" + proxy.address())), "user or password"));
}

TEST_CASE("http: an http proxy is asked for http, and its refusal to tunnel is said") {
    HttpServer proxy([](const HttpRequest& request) {
        return request.method == "CONNECT" ? HttpReply{.status = 403} : HttpReply{.body = request.target};
    });
    const auto options = through("http://127.0.0.1:" + std::to_string(proxy.port()));
    CHECK(get("http://host.invalid/x", options).body == "http://host.invalid/x");
    const auto error = failed_get("https://host.invalid/x", options);
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(says(error, "proxy http://127.0.0.1:" + std::to_string(proxy.port()) + " refused with status 403"));
}

TEST_CASE("http: no variable of the environment makes a proxy") {
    HttpServer server(always({.body = "hello"}));
    HttpServer proxy(always({.body = "from the proxy"}));
    const Environment environment("http://127.0.0.1:" + std::to_string(proxy.port()));
    CHECK(get(server.url()).body == "hello");
    CHECK(proxy.connections() == 0);
}

TEST_CASE("http: no variable of the environment makes an exception from a proxy") {
    HttpServer server(always({.body = "hello"}));
    HttpServer proxy(always({.body = "from the proxy"}));
    const Environment environment("http://127.0.0.1:1");
    environment.except("*");
    CHECK(get(server.url(), through("http://127.0.0.1:" + std::to_string(proxy.port()))).body == "from the proxy");
    environment.except("127.0.0.1");
    CHECK(get(server.url(), through("http://127.0.0.1:" + std::to_string(proxy.port()))).body == "from the proxy");
    CHECK(server.connections() == 0);
}

TEST_CASE("http: a proxy that is none is refused at once") {
    for (const auto* proxy :
         {"127.0.0.1:1080", "ftp://127.0.0.1", "socks5h", "socks5h://a b", "socks6://me:secret@x"}) {
        const auto error = thrown_by([&] { const Client client(through(proxy)); });
        CHECK(error.kind() == ErrorKind::misconfigured);
        CHECK(says(error, "is no url of a socks5h, socks5, socks4a, socks4 or http proxy"));
        CHECK_FALSE(says(error, "secret"));
    }
    auto both = through("socks5h://127.0.0.1:1080");
    both.unix_socket = "/run/fleet.sock";
    CHECK(thrown_by([&] { const Client client(both); }).kind() == ErrorKind::misconfigured);
}

TEST_CASE("http: a user and a password for the proxy are settings of their own") {
    HttpServer server(always({.body = "hello"}));
    const SocksProxy proxy("me", "p@ss: w\u00f6rd%");
    const TempDir dir;
    dir.write("password", "p@ss: w\u00f6rd%\n");
    const auto read = [&](const std::string& text) {
        const Settings settings(read_yaml(text, "local.yaml", dir.path()));
        auto options = plain_options();
        http::read_connection(settings, options);
        settings.refuse_unknown_keys();
        return options;
    };
    const auto address = "socks_proxy: " + proxy.address() + "\n";
    CHECK(get(server.url(), read(address + "socks_user: me\nsocks_password: 'p@ss: w\u00f6rd%'\n")).body == "hello");
    CHECK(get(server.url(), read(address + "socks_user: me\nsocks_password_file: password\n")).body == "hello");
    const auto refused = failed_get(server.url(), read(address + "socks_user: me\nsocks_password: other\n"));
    CHECK(says(refused, "the proxy wants another user or password"));

    struct Case {
        std::string text;
        std::string problem;
    };
    const std::vector<Case> cases{
        {"socks_proxy: me:s3cret@h:1", "1: socks_proxy: can have no user or password in it; they are socks_user and"},
        {"socks_user: me\nsocks_password: s3cret", "1: socks_user: means nothing without socks_proxy"},
        {address + "socks_password: s3cret", "2: socks_password: means nothing without socks_user"},
        {address + "socks_user: me", "2: socks_user: needs socks_password or socks_password_file beside it"},
        {address + "socks_user: me\nsocks_password: ''", "3: socks_password: is empty"},
        {address + "socks_user: me\nsocks_password: " + std::string(256, 's'), "3: socks_password: is longer than 255"},
    };
    for (const auto& [text, problem] : cases) {
        const auto error = thrown_by([&] { (void)read(text); });
        CHECK(error.kind() == ErrorKind::misconfigured);
        CHECK(says(error, "local.yaml:" + problem));
        CHECK_FALSE(says(error, "s3cret"));
    }
}
