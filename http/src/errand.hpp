#pragma once

#include "curl_handles.hpp"
#include "http_client.hpp"
#include "url.hpp"

namespace deployer::http {

/// One question to a server: a request, or the request to the place that it was redirected to.
struct Errand {
    const Request& request;
    const Url& url;
    const Url& home;  ///< the request's own url: its user and password are credentials
    bool with_credentials = false;
    bool fresh_connection = false;  ///< no kept connection: the last one may be dead
};

/// Sets all options of a clean handle that say what is asked for and how it is reached. Returns the headers, which have
/// to outlive the transfer, as the errand has.
[[nodiscard]] CurlList set_up(CURL* handle, const Errand& errand, const ClientOptions& options);

}  // namespace deployer::http
