#pragma once

#include "http_client.hpp"
#include "url.hpp"

namespace deployer::http {

/// Throws Error `rejected` with the reason alone, for a method that may not be repeated and for headers that are none,
/// or that could be read as more than one.
void check_sendable(const Request& request);

/// Throws Error `rejected` with the reason alone, for a scheme or host that the options do not allow.
void check_allowed(const Url& url, const ClientOptions& options);

/// Throws Error `misconfigured`.
void check_usable(const ClientOptions& options);

}  // namespace deployer::http
