#pragma once

#include <deployer/call.hpp>
#include <deployer/error.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::http {

struct Header {
    std::string name;
    std::string value;
};

/// One request. Only methods that may be repeated (RFC 9110, 9.2.2) are sent: GET, HEAD, PUT and DELETE, so each may be
/// tried again. Header values are printable ASCII; Host, Connection and what frames the body are not the caller's. A
/// user and a password in the url are sent as basic authentication; they are credentials, too.
struct Request {
    std::string method = "GET";
    std::string url = {};  ///< absolute, http or https; printable ASCII without spaces; no fragment
    std::vector<Header> headers = {};
    std::string body = {};  ///< empty for GET and HEAD
    /// Headers that name a secret: sent to `url`'s own scheme, host and port. A redirect to elsewhere goes without, and
    /// so does all that follows it, also back to where it began.
    std::vector<Header> credentials = {};
};

/// A complete answer, whatever its status.
struct Response {
    int status = 0;
    std::vector<Header> headers = {};
    std::string body = {};
    std::string url = {};  ///< where it came from in the end, after redirects

    /// The first header of that name, in any letter case; empty when there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

/// The answer to one of several requests, or why there is none.
struct Result {
    Response response = {};
    std::optional<Error> error = std::nullopt;
    bool too_large = false;  ///< the error is that the body is larger than max_body
};

/// How a client reaches others. What is not said here is not looked for: no environment variable changes anything.
struct ClientOptions {
    /// "socks5h://127.0.0.1:1080"; or socks5, socks4a, socks4, http; with user and password if need be. Empty: none.
    std::string proxy = {};
    std::filesystem::path unix_socket = {};         ///< connect here, whatever a url's host is; empty: by TCP
    std::filesystem::path ca_file = {};             ///< trusted instead of the system's certificates; empty: these
    std::filesystem::path client_certificate = {};  ///< PEM; empty: none
    std::filesystem::path client_key = {};          ///< PEM without a passphrase; empty: it is in client_certificate
    /// Of requests and redirects: "host", at any port, or "host:port". Empty: any.
    std::vector<std::string> allowed_hosts = {};
    bool allow_http = false;  ///< false: https alone, for requests and redirects
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds stall_timeout{30'000};  ///< without a byte for so long, an attempt is given up
    std::size_t max_body = 64U << 20U;                ///< bytes; a larger body is an error
    std::size_t max_parallel = 16;                    ///< requests of one send() under way at once
    int attempts = 4;                                 ///< for each request, the first one included
    /// 429 is an answer like any other, and after one, nothing more of the same send() is sent to that scheme, host and
    /// port: what was not sent is `unavailable`. False: 429 is tried again as 503 is.
    bool heeds_rate_limits = false;
};

/// Outbound HTTP. TLS certificates are verified, always. An answer is whole or an error: a body that is cut, or whose
/// end nobody can tell (neither length nor chunks), is `unavailable`. A body comes as it was before any
/// Content-Encoding, which is never asked for. A request is tried again, after growing pauses
/// that vary, when no whole answer came or its status is 429, 502, 503 or 504; `Retry-After` lengthens the pause; where
/// that would outlast the call's deadline, the last answer or error is the result. Other statuses are answers, for the
/// caller to judge. GET and HEAD follow up to 5 redirects. See also heeds_rate_limits.
///
/// Errors read `GET https://host/path: connection refused`; urls in them have neither user, password nor query.
/// Construction does no I/O and throws Error `misconfigured` for a proxy that is none. Any thread may send at any time;
/// connections are kept and used again.
class Client {
public:
    explicit Client(ClientOptions options);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    Client(Client&&) = delete;
    Client& operator=(Client&&) = delete;

    /// Throws Error:
    /// - `unavailable` for transport trouble, a certificate that is not trusted, a call that ran out of time;
    /// - `cancelled`, at once, when stop is requested;
    /// - `rejected` for a url, redirect or header that must not be followed or sent (control characters, scheme, host,
    ///   more than 5 redirects), and for an answer that is too large;
    /// - `misconfigured` for a CA file, client certificate or key that cannot be used.
    [[nodiscard]] Response send(const Request& request, const Call& call) const;

    /// Several at once, up to max_parallel; one Result each, in their order. Throws only `cancelled`. Retries and long
    /// pauses are logged as they begin.
    [[nodiscard]] std::vector<Result> send(std::span<const Request> requests, const Call& call) const;

private:
    class Pool;
    std::unique_ptr<Pool> pool_;
};

/// A url as messages may show it: without user, password, query and fragment. From something that is not quite a url
/// rather too much is left out.
[[nodiscard]] std::string presentable(std::string_view url);

/// Text of any bytes as a part of a url: all but RFC 3986's unreserved characters (2.3), and those of `plain`, is
/// encoded.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view plain = {});

/// "scheme://host:port" of a url, in lower case and with the scheme's default port left out; empty when it has none.
[[nodiscard]] std::string origin_of(std::string_view url);

/// When the answer was made, by its server's clock, as far as it tells that (Date, RFC 9110, 6.6.1).
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> date_of(const Response& response);

/// How long a Retry-After header (RFC 9110, 10.2.3) asks to wait: a number of seconds, or a date, from which the
/// answer's own Date is counted off, else our clock. A date in the past is 0. Nullopt for neither.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(const Response& response);

}  // namespace deployer::http
