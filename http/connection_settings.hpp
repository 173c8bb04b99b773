#pragma once

#include "http_client.hpp"

#include <deployer/settings.hpp>

namespace deployer::http {

/// Asks for the settings on how to reach another side that all have in common: `socks_proxy` (host:port, or with
/// socks5h:// or socks5:// before it; names are always resolved by the proxy, for only it may know them), `socks_user`
/// and `socks_password`, `ca_file`, `connect_timeout`. Throws Error `misconfigured`, which shows no value: a proxy's
/// address may hold a password.
void read_connection(const Settings& settings, ClientOptions& options);

}  // namespace deployer::http
