#pragma once

#include "http_client.hpp"

#include <deployer/error.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace deployer::github {

/// An answer that is of no use, as an Error: `GET https://host/path: answered 404`, with the server's own message where
/// it gives one as GitHub does. One that says that too much was asked is `unavailable` whatever `kind` is. That and any
/// other `unavailable` one with `Retry-After` has a `retry_after` and says until when.
Error failure(ErrorKind kind, const http::Response& response);

/// For how long to ask nothing, if this answer says that too much was asked: `Retry-After`; until `X-RateLimit-Reset`
/// where nothing remains, counted from the answer's `Date`, or else from `now`; a minute where only the status or the
/// message says so. At most two hours.
std::optional<std::chrono::milliseconds> limit_pause(const http::Response& response,
                                                     std::chrono::system_clock::time_point now);

/// The answer's ETag, where it is one that can be sent back; else empty.
std::string etag_of(const http::Response& response);

/// Keeps silent while a server wants it.
class Silence {
public:
    /// While it lasts, throws the Error that it began with, whose `retry_after` is what is left of it.
    void check() const;
    /// Begins one where the Error has a `retry_after`.
    void note(const Error& error);

private:
    std::chrono::steady_clock::time_point until_;
    std::optional<Error> error_;
};

}  // namespace deployer::github
