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

/// One request. The client may send a request again, so it takes only the idempotent methods (RFC 9110, 9.2.2) GET,
/// HEAD, PUT and DELETE. Header values are printable ASCII. The caller must not set Host, Connection or headers that
/// frame the body. A user and a password in the url are sent as basic authentication and count as credentials.
struct Request {
    std::string method = "GET";
    std::string url = {};  ///< absolute, http or https; printable ASCII without spaces; no fragment
    std::vector<Header> headers = {};
    std::string body = {};  ///< empty for GET and HEAD
    /// Headers that hold a secret: sent to the scheme, host and port of `url` only. After a redirect to another origin,
    /// no later request of the same chain of redirects has them, not even one that leads back to the first origin.
    std::vector<Header> credentials = {};
};

/// A complete answer, of any status.
struct Response {
    int status = 0;
    std::vector<Header> headers = {};
    std::string body = {};
    std::string url = {};  ///< the url that gave this answer, after redirects

    /// The value of the first header of that name, in any letter case; empty when there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

/// The answer to one of several requests, or the error instead of an answer.
struct Result {
    Response response = {};
    std::optional<Error> error = std::nullopt;
    bool too_large = false;  ///< the error is that the body is larger than max_body
};

/// How a client connects to servers. No environment variable has any effect.
struct ClientOptions {
    /// "socks5h://127.0.0.1:1080"; the scheme may also be socks5, socks4a, socks4 or http; the url may hold a user and
    /// a password. Empty: no proxy.
    std::string proxy = {};
    std::filesystem::path unix_socket = {};         ///< connect here and ignore a url's host; empty: by TCP
    std::filesystem::path ca_file = {};             ///< trusted instead of the system's certificates; empty: the latter
    std::filesystem::path client_certificate = {};  ///< PEM; empty: none
    std::filesystem::path client_key = {};          ///< PEM without a passphrase; empty: client_certificate holds it
    /// Hosts that requests and redirects may go to: "host", at any port, or "host:port". Empty: any host.
    std::vector<std::string> allowed_hosts = {};
    bool allow_http = false;  ///< false: only https, for requests and redirects
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds stall_timeout{30'000};  ///< an attempt ends after so long without a byte
    std::size_t max_body = 64U << 20U;                ///< bytes; a larger body is an error
    std::size_t max_parallel = 16;                    ///< concurrent requests of one send()
    int attempts = 4;                                 ///< per request, including the first attempt
    /// True: status 429 is an answer like any other. After one, the same send() sends no further request to that
    /// scheme, host and port; requests not yet sent fail as `unavailable`. False: 429 is tried again, as 503 is.
    bool heeds_rate_limits = false;
};

/// Outbound HTTP. TLS certificates are always verified. An answer is complete or an error: a body that is cut, or whose
/// end is unknown (neither length nor chunks), is `unavailable`. The client never asks for a Content-Encoding, and
/// decodes a body that has one all the same.
///
/// The client tries a request again when no complete answer came or the status is 429, 502, 503 or 504. The pauses
/// between attempts grow and vary; `Retry-After` lengthens them. When a pause would outlast the call's deadline, the
/// last answer or error is the result. An answer of any other status is returned, and the caller judges it. GET and
/// HEAD follow up to 5 redirects. See also heeds_rate_limits.
///
/// Errors read `GET https://host/path: connection refused`; urls in them have neither user, password nor query.
/// Construction does no I/O and throws Error `misconfigured` for an invalid proxy. Any thread may send at any time; the
/// client keeps connections and uses them again.
class Client {
public:
    explicit Client(ClientOptions options);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    Client(Client&&) = delete;
    Client& operator=(Client&&) = delete;

    /// Throws Error:
    /// - `unavailable` for a failed transport, a certificate that is not trusted, a call that ran out of time;
    /// - `cancelled`, at once, when stop is requested;
    /// - `rejected` for a url, redirect or header that must not be followed or sent (control characters, scheme, host,
    ///   more than 5 redirects), and for an answer that is too large;
    /// - `misconfigured` for a CA file, client certificate or key that cannot be used.
    [[nodiscard]] Response send(const Request& request, const Call& call) const;

    /// Sends several requests, up to max_parallel at once. Returns a Result for each request, in the order of the
    /// requests. Throws only `cancelled`. Retries and long pauses are logged when they begin.
    [[nodiscard]] std::vector<Result> send(std::span<const Request> requests, const Call& call) const;

private:
    class Pool;
    std::unique_ptr<Pool> pool_;
};

/// A url that a message may show without giving away a secret: user, password, query and fragment are left out. From
/// malformed text the function leaves out too much rather than too little.
[[nodiscard]] std::string presentable(std::string_view url);

/// Text of any bytes, encoded as a part of a url. RFC 3986's unreserved characters (2.3) and the characters of `plain`
/// stay as they are.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view plain = {});

/// "scheme://host:port" of a url, in lower case and with the scheme's default port left out; empty when it has none.
[[nodiscard]] std::string origin_of(std::string_view url);

/// The time of the answer by the server's clock (Date, RFC 9110, 6.6.1); nullopt when the server does not give it.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> date_of(const Response& response);

/// The wait that a Retry-After header (RFC 9110, 10.2.3) asks for. The header holds a number of seconds, or a date; the
/// wait for a date is counted from the answer's own Date, or from the local clock when there is none. A date in the
/// past is 0. Nullopt when the header is absent or holds neither.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(const Response& response);

}  // namespace deployer::http
