#pragma once

#include "http_client.hpp"
#include "url.hpp"

namespace deployer::http {

/// Throws Error `rejected`, whose message is the reason alone, for a method that is not idempotent, for an invalid
/// header, and for a header that a server could read as several.
void check_sendable(const Request& request);

/// Throws Error `rejected`, whose message is the reason alone, for a scheme or host that the options do not allow.
void check_allowed(const Url& url, const ClientOptions& options);

/// Throws Error `misconfigured` for a proxy that is invalid or set along with a Unix socket.
void check_usable(const ClientOptions& options);

}  // namespace deployer::http
