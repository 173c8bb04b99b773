#pragma once

#include "http_client.hpp"

#include <deployer/settings.hpp>

#include <string>

namespace deployer::fleet {

/// Where a fleet is and how to get there.
struct Endpoint {
    std::string shown;  ///< as messages name it: without user and password
    std::string url;    ///< what requests begin with, "http://host:49153/fleet/v1"
    http::ClientOptions options;
};

/// Asks for `endpoint` and all settings on how to connect to it. Throws Error `misconfigured`, which shows no password.
Endpoint read_endpoint(const Settings& settings);

}  // namespace deployer::fleet
