#pragma once

#include "http_client.hpp"

#include <deployer/error.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace deployer::github {

/// The Error for an unusable answer: `GET https://host/path: answered 404`, with the server's own message if the body
/// has one in GitHub's form. The answer of a rate limit gives `unavailable`, whatever `kind` is. Such an Error, and any
/// other `unavailable` one for an answer with `Retry-After`, has a `retry_after` and names the time in its message.
Error failure(ErrorKind kind, const http::Response& response);

/// The pause that the answer of a rate limit asks for; nullopt for other answers. The pause is `Retry-After`; or, when
/// no requests remain, the time until `X-RateLimit-Reset`, counted from the answer's `Date` or else from `now`; or a
/// minute when only the status or the message tells of the limit. At most two hours.
std::optional<std::chrono::milliseconds> limit_pause(const http::Response& response,
                                                     std::chrono::system_clock::time_point now);

/// The answer's ETag; empty when there is none that can be sent back.
std::string etag_of(const http::Response& response);

/// Holds back requests as long as a server asks for silence.
class Silence {
public:
    /// During a silence, throws the Error that began it, with the remaining time as `retry_after`.
    void check() const;
    /// Begins a silence if the Error has a `retry_after`.
    void note(const Error& error);

private:
    std::chrono::steady_clock::time_point until_;
    std::optional<Error> error_;
};

}  // namespace deployer::github
