#pragma once

#include "http_client.hpp"

#include <deployer/settings.hpp>

namespace deployer::http {

/// Reads the connection settings that all HTTP plugins share: `socks_proxy` (host:port, or with socks5h:// or socks5://
/// before it; the proxy always resolves the names, because only the proxy may know them), `socks_user` and
/// `socks_password`, `ca_file`, `connect_timeout`. Throws Error `misconfigured`. The message shows no value, because a
/// proxy's address may hold a password.
void read_connection(const Settings& settings, ClientOptions& options);

}  // namespace deployer::http
