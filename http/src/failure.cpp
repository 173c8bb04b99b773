#include "failure.hpp"

#include "letter_case.hpp"

#include <algorithm>
#include <system_error>

namespace deployer::http {
namespace {

std::string without_prefix(const std::string& text, std::string_view prefix) {
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

/// The library's text may quote bytes from the other side, so everything but printable ASCII is replaced.
std::string one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text;
}

long number_of(CURL* handle, CURLINFO which) {
    long number = 0;
    curl_easy_getinfo(handle, which, &number);
    return number;
}

std::string connect_problem(CURL* handle) {
    const auto error = static_cast<int>(number_of(handle, CURLINFO_OS_ERRNO));
    return error == 0 ? "cannot connect" : lower_first(std::generic_category().message(error));
}

std::string not_connected(CURL* handle, const ClientOptions& options) {
    const auto problem = connect_problem(handle);
    if (!options.unix_socket.empty()) return options.unix_socket.string() + ": " + problem;
    return options.proxy.empty() ? problem : "proxy " + presentable(options.proxy) + ": " + problem;
}

std::string not_resolved(const std::string& detail, const Url& url, const ClientOptions& options) {
    // The library reports a socket path that is too long by this code, too.
    if (!options.unix_socket.empty()) return lower_first(detail);
    // This code is about the proxy's own host; a host that the proxy cannot resolve has another code.
    return "cannot resolve host " + (options.proxy.empty() ? url.host() : "of proxy " + presentable(options.proxy));
}

std::string proxy_refusal(CURL* handle, const std::string& detail) {
    switch (static_cast<CURLproxycode>(number_of(handle, CURLINFO_PROXY_ERROR))) {
        case CURLPX_REPLY_CONNECTION_REFUSED:
            return "connection refused";
        case CURLPX_REPLY_HOST_UNREACHABLE:
            return "host unreachable, or its name unknown there";
        case CURLPX_REPLY_NETWORK_UNREACHABLE:
            return "network unreachable";
        case CURLPX_REPLY_TTL_EXPIRED:
            return "no connection in time";
        case CURLPX_REPLY_NOT_ALLOWED:
            return "the proxy does not allow it";
        case CURLPX_REPLY_GENERAL_SERVER_FAILURE:
            return "the proxy failed";
        case CURLPX_NO_AUTH:
        case CURLPX_USER_REJECTED:
            return "the proxy wants another user or password";
        case CURLPX_CLOSED:
            return "the proxy closed the connection";
        default:
            return lower_first(detail);
    }
}

std::string lost(const std::string& detail, const Progress& progress) {
    return progress.begun ? cut_short(progress) : "connection lost: " + lower_first(detail);
}

/// Whether an http proxy answered a CONNECT with a status other than success.
bool refused_by_http_proxy(CURL* handle) {
    const auto status = number_of(handle, CURLINFO_HTTP_CONNECTCODE);
    return status != 0 && status / 100 != 2;
}

}  // namespace

std::string in_words(std::chrono::milliseconds time) {
    const auto count = time.count();
    return count % 1000 == 0 ? std::to_string(count / 1000) + "s" : std::to_string(count) + "ms";
}

std::string in_words(std::size_t bytes) {
    constexpr std::size_t mebibyte = 1U << 20U;
    const bool is_round = bytes >= mebibyte && bytes % mebibyte == 0;
    return is_round ? std::to_string(bytes / mebibyte) + " MiB" : std::to_string(bytes) + " bytes";
}

std::string cut_short(const Progress& progress) {
    if (!progress.headers_whole) return "the answer was cut short within its headers";
    const auto got = std::to_string(progress.body);
    if (progress.announced < 0) return "the answer was cut short after " + got + " bytes";
    return "the answer was cut short: " + got + " of " + std::to_string(progress.announced) + " bytes";
}

Failure describe(CURLcode code, CURL* handle, const std::string& detail, const Url& url, const ClientOptions& options,
                 const Progress& progress) {
    const auto text = one_line(detail.empty() ? std::string(curl_easy_strerror(code)) : detail);
    const auto proxy = "proxy " + presentable(options.proxy);
    if (refused_by_http_proxy(handle)) {
        const auto status = std::to_string(number_of(handle, CURLINFO_HTTP_CONNECTCODE));
        return {.cause = proxy + " refused with status " + status};
    }
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return {.cause = not_resolved(text, url, options)};
        case CURLE_COULDNT_CONNECT:
            return {.cause = not_connected(handle, options)};
        case CURLE_PROXY:
            return {.cause = proxy + " cannot reach " + url.host() + ": " + proxy_refusal(handle, text)};
        case CURLE_OPERATION_TIMEDOUT:
            return {.cause = "no connection within " + in_words(options.connect_timeout)};
        case CURLE_PEER_FAILED_VERIFICATION:
            return {.cause = "TLS certificate of " + url.host() + " not trusted: " +
                             without_prefix(without_prefix(text, "SSL certificate problem: "), "SSL: "),
                    .passing = false};
        case CURLE_SSL_CONNECT_ERROR:
            return {.cause = "no TLS connection with " + url.host() + ": " + text};
        case CURLE_SSL_CACERT_BADFILE:
            return {ErrorKind::misconfigured, "cannot use the trusted certificates: " + lower_first(text), false};
        case CURLE_SSL_CERTPROBLEM:
            return {ErrorKind::misconfigured, "cannot use the client certificate: " + lower_first(text), false};
        case CURLE_BAD_CONTENT_ENCODING:
            return {.cause = "cannot undo the answer's Content-Encoding: " + lower_first(text), .passing = false};
        case CURLE_GOT_NOTHING:
            return {.cause = "connection closed without an answer"};
        case CURLE_PARTIAL_FILE:
            return {.cause = cut_short(progress)};
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM:
            return {.cause = lost(text, progress)};
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
            return {.cause = "the answer is not HTTP: " + lower_first(text)};
        default:
            return {.cause = lower_first(text)};
    }
}

}  // namespace deployer::http
