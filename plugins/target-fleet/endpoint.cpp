#include "endpoint.hpp"

#include "connection_settings.hpp"

#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace deployer::fleet {
namespace {

constexpr std::string_view api_path = "/fleet/v1";
constexpr std::string_view http_scheme = "http://";
constexpr std::string_view https_scheme = "https://";
constexpr std::string_view unix_scheme = "unix://";

/// For a large cluster, fleet may need this long before it sends the first byte of a page.
constexpr std::chrono::minutes stall_timeout{2};

bool is_blank_or_control(unsigned char byte) {
    return byte <= ' ' || byte == 0x7f;
}

Endpoint read_unix_endpoint(const std::string& text, const Settings& settings) {
    const auto socket = text.substr(unix_scheme.size());
    if (!socket.starts_with('/')) settings.fail("endpoint", "lacks an absolute path, as in unix:///var/run/fleet.sock");
    if (socket.size() >= sizeof(sockaddr_un::sun_path)) {
        settings.fail("endpoint", "the path of a socket takes at most " +
                                      std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
    }
    Endpoint endpoint;
    endpoint.shown = text;
    endpoint.url = "http://localhost" + std::string(api_path);
    endpoint.options.unix_socket = socket;
    endpoint.options.allow_http = true;
    return endpoint;
}

Endpoint read_web_endpoint(std::string url, const Settings& settings) {
    while (url.ends_with('/')) url.pop_back();
    if (http::origin_of(url).empty()) settings.fail("endpoint", "names no host");
    if (url.find_first_of("?#") != std::string::npos) settings.fail("endpoint", R"(can have no "?" or "#" in it)");
    Endpoint endpoint;
    endpoint.shown = http::presentable(url);
    while (endpoint.shown.ends_with('/')) endpoint.shown.pop_back();
    endpoint.url = url + std::string(api_path);
    endpoint.options.allow_http = url.starts_with(http_scheme);
    return endpoint;
}

/// No message shows the value, because it may hold a password.
Endpoint read_address(const Settings& settings) {
    settings.describe("endpoint", "",
                      "The address of fleet's API: `http://host:49153`, `https://host`, each with a path if the API is "
                      "below one, or `unix:///var/run/fleet.sock`.");
    const auto text = settings.text("endpoint");
    if (std::any_of(text.begin(), text.end(), is_blank_or_control)) {
        settings.fail("endpoint", "can have no white space or control characters in it");
    }
    if (text.starts_with(unix_scheme)) return read_unix_endpoint(text, settings);
    if (text.starts_with(http_scheme) || text.starts_with(https_scheme)) return read_web_endpoint(text, settings);
    settings.fail("endpoint", "must begin with http://, https:// or unix://");
}

void read_tls(http::ClientOptions& options, const Settings& settings) {
    settings.describe("client_certificate", "none", "The certificate to show to fleet, in PEM; only with `https://`.");
    options.client_certificate = settings.find_path("client_certificate").value_or("");
    settings.describe("client_key", "in `client_certificate`", "The private key of that certificate, in PEM.");
    options.client_key = settings.find_path("client_key").value_or("");
    if (!options.client_key.empty() && options.client_certificate.empty()) {
        settings.fail("client_key", "needs a client_certificate beside it");
    }
}

void check_tls_is_used(const Endpoint& endpoint, const Settings& settings) {
    if (endpoint.url.starts_with(https_scheme)) return;
    for (const std::string_view key : {"ca_file", "client_certificate", "client_key"}) {
        if (settings.has(key)) settings.fail(key, "needs an endpoint that begins with https://");
    }
}

}  // namespace

Endpoint read_endpoint(const Settings& settings) {
    auto endpoint = read_address(settings);
    auto& options = endpoint.options;
    http::read_connection(settings, options);
    options.stall_timeout = stall_timeout;
    read_tls(options, settings);
    check_tls_is_used(endpoint, settings);
    if (!options.proxy.empty() && !options.unix_socket.empty()) {
        settings.fail("socks_proxy", "leads to no unix:// endpoint");
    }
    return endpoint;
}

}  // namespace deployer::fleet
