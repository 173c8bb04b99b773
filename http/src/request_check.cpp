#include "request_check.hpp"

#include "letter_case.hpp"

#include <deployer/error.hpp>
#include <deployer/foreign_text.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace deployer::http {
namespace {

[[noreturn]] void reject(const std::string& reason) {
    throw Error(ErrorKind::rejected, reason);
}

/// Whether the text is a token (RFC 9110, 5.6.2).
bool is_token(std::string_view text) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        const char lower = in_lower_case(c);
        return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || others.find(c) != std::string_view::npos;
    });
}

bool is_header_value(std::string_view text) {
    if (text.empty()) return true;
    const auto printable = [](char c) { return c >= ' ' && c < '\x7f'; };
    return std::all_of(text.begin(), text.end(), printable) && text.front() != ' ' && text.back() != ' ';
}

/// Whether only the client may set this header, because it tells where the message ends or which host it is for. Two
/// such headers that differ would allow request smuggling.
bool is_our_own(std::string_view name) {
    constexpr std::array<std::string_view, 4> own = {"Host", "Content-Length", "Transfer-Encoding", "Connection"};
    return std::any_of(own.begin(), own.end(), [name](std::string_view header) { return same_name(header, name); });
}

/// Messages do not show the header's value, because it may be a secret.
void check_header(const Header& header) {
    if (!is_token(header.name)) reject("header name " + quote(header.name) + " is not a word");
    if (is_our_own(header.name)) reject("header " + header.name + " is not for the caller to set");
    if (!is_header_value(header.value)) {
        reject("the value of header " + header.name +
               " begins or ends with a space, or holds a control character or a byte that is not ASCII");
    }
}

}  // namespace

void check_sendable(const Request& request) {
    constexpr std::array<std::string_view, 4> methods = {"GET", "HEAD", "PUT", "DELETE"};
    const auto& method = request.method;
    if (std::find(methods.begin(), methods.end(), method) == methods.end()) {
        reject("method " + quote(method) + " is none of GET, HEAD, PUT and DELETE");
    }
    if (!request.body.empty() && (method == "GET" || method == "HEAD")) reject("a " + method + " has no body");
    for (const auto& header : request.headers) check_header(header);
    for (const auto& header : request.credentials) check_header(header);
}

void check_allowed(const Url& url, const ClientOptions& options) {
    if (url.scheme() != "https" && !options.allow_http) reject("http is not allowed, only https is");
    const auto& hosts = options.allowed_hosts;
    const auto is_this = [&url](const std::string& allowed) {
        return same_name(allowed, url.host()) || same_name(allowed, url.host() + ":" + url.port());
    };
    if (!hosts.empty() && std::none_of(hosts.begin(), hosts.end(), is_this)) {
        reject("host " + url.host() + ":" + url.port() + " is not one of the allowed hosts");
    }
}

void check_usable(const ClientOptions& options) {
    const auto& proxy = options.proxy;
    if (proxy.empty()) return;
    if (!options.unix_socket.empty()) throw Error(ErrorKind::misconfigured, "a Unix socket is not behind a proxy");
    constexpr std::array<std::string_view, 5> schemes = {"socks5h", "socks5", "socks4a", "socks4", "http"};
    const auto scheme = std::string_view(proxy).substr(0, std::min(proxy.find("://"), proxy.size()));
    if (!is_plain(proxy) || scheme.size() == proxy.size() ||
        std::none_of(schemes.begin(), schemes.end(), [&](auto known) { return same_name(known, scheme); })) {
        throw Error(ErrorKind::misconfigured,
                    "proxy " + presentable(proxy) + " is no url of a socks5h, socks5, socks4a, socks4 or http proxy");
    }
}

}  // namespace deployer::http
