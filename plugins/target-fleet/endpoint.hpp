#pragma once

#include "http_client.hpp"

#include <deployer/settings.hpp>

#include <string>

namespace deployer::fleet {

/// The address of a fleet, and the options for connecting to it.
struct Endpoint {
    std::string shown;  ///< the address in messages, without user and password
    std::string url;    ///< base url of all requests, "http://host:49153/fleet/v1"
    http::ClientOptions options;
};

/// Reads `endpoint` and all connection settings. Throws Error `misconfigured`; the message shows no password.
Endpoint read_endpoint(const Settings& settings);

}  // namespace deployer::fleet
