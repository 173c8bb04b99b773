#include "connection_settings.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace deployer::http {
namespace {

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos &&
           std::stoi(std::string(text)) >= 1 && std::stoi(std::string(text)) <= 65'535;
}

bool is_printable_ascii(char character) {
    return character > ' ' && character < '\x7f';
}

/// The proxy's "host:port", or empty.
std::string read_proxy_address(const Settings& settings) {
    settings.describe("socks_proxy", "none",
                      "`host:port` of a SOCKS5 proxy that all requests go through, also as `socks5h://host:port` or "
                      "`socks5://host:port`. In any case the proxy resolves names.");
    const auto text = settings.find_text("socks_proxy");
    if (!text || text->empty()) return {};
    std::string_view address = *text;
    for (const std::string_view scheme : {"socks5h://", "socks5://"}) {
        if (address.starts_with(scheme)) address.remove_prefix(scheme.size());
    }
    if (address.find('@') != std::string_view::npos) {
        settings.fail("socks_proxy", "can have no user or password in it; they are socks_user and socks_password");
    }
    const auto colon = address.rfind(':');
    const bool is_address = colon != std::string_view::npos && colon > 0 && is_port(address.substr(colon + 1)) &&
                            address.find_first_of("/?#") == std::string_view::npos &&
                            std::all_of(address.begin(), address.end(), is_printable_ascii);
    if (!is_address) settings.fail("socks_proxy", "must be host:port, or socks5h://host:port");
    return std::string(address);
}

/// Throws for a text that SOCKS5 (RFC 1929) or the library cannot carry.
void check_credential(const Settings& settings, std::string_view key, std::string_view text) {
    constexpr std::size_t longest = 255;
    if (text.empty()) settings.fail(key, "is empty");
    if (text.size() > longest) settings.fail(key, "is longer than 255 bytes, which no SOCKS proxy takes");
    if (text.find('\0') != std::string_view::npos) settings.fail(key, "cannot hold a NUL byte");
}

/// "user:password@", percent-encoded for a url, or empty.
std::string read_proxy_credentials(const Settings& settings, bool has_proxy) {
    settings.describe("socks_user", "none", "The user, for a proxy that wants a user and a password.");
    const auto user = settings.find_text("socks_user");
    settings.describe("socks_password", "none", "The password of `socks_user`.");
    const auto password = settings.find_secret("socks_password");
    if (!user && !password) return {};
    if (!has_proxy) settings.fail(user ? "socks_user" : "socks_password", "means nothing without socks_proxy");
    if (!user) settings.fail("socks_password", "means nothing without socks_user");
    if (!password) settings.fail("socks_user", "needs socks_password or socks_password_file beside it");
    check_credential(settings, "socks_user", *user);
    check_credential(settings, "socks_password", *password);
    return percent_encode(*user) + ':' + percent_encode(*password) + '@';
}

std::string read_proxy(const Settings& settings) {
    const auto address = read_proxy_address(settings);
    const auto credentials = read_proxy_credentials(settings, !address.empty());
    return address.empty() ? "" : "socks5h://" + credentials + address;
}

}  // namespace

void read_connection(const Settings& settings, ClientOptions& options) {
    options.proxy = read_proxy(settings);
    settings.describe("ca_file", "the system's certificates",
                      "The only certificates that are trusted, in one PEM file.");
    options.ca_file = settings.find_path("ca_file").value_or("");
    settings.describe("connect_timeout", "`10s`",
                      "How long each connection may take to be made; `reconcile.call_timeout` limits a whole call.");
    options.connect_timeout = settings.find_duration("connect_timeout").value_or(options.connect_timeout);
    if (options.connect_timeout.count() == 0) settings.fail("connect_timeout", "has to be longer than 0");
}

}  // namespace deployer::http
