#pragma once

#include "host/calls.hpp"

#include <deployer/settings.hpp>

#include <http_client.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// The `settings_from` block: the place in etcd of settings that operators change while the deployer runs.
struct SettingsOrigin {
    std::string etcd;    ///< e.g. "http://host:2379"
    std::string prefix;  ///< the directory of the keys, e.g. "/ft/config/deployer"
    http::ClientOptions options;
};

/// Reads the block. Throws Error `misconfigured`.
SettingsOrigin read_settings_origin(const Settings& settings);

/// The settings in etcd. Each is absent if etcd has no such key, or an unusable value.
struct RemoteValues {
    std::optional<bool> is_debug;                              ///< `is-debug`
    std::optional<std::chrono::seconds> pause_before_restart;  ///< `no-of-secs-to-sleep-before-restart`
    std::optional<std::string> health_endpoint;                ///< `health-endpoint`
    std::optional<std::string> service_name_prefix;            ///< `service-name-prefix`
    std::vector<std::string> problems;                         ///< a message for each unusable value

    bool operator==(const RemoteValues&) const = default;
};

/// Reads etcd's answer for a directory (v2 keys API). Throws Error `unavailable` for any other text.
RemoteValues read_remote_values(std::string_view answer);

/// Settings that live in etcd. One thread.
class RemoteSettings {
public:
    /// No I/O.
    explicit RemoteSettings(const SettingsOrigin& origin);

    /// Asks etcd, for a few seconds at most. When etcd does not answer, the last known values stay (at first none, so
    /// the defaults hold), and one warning is logged until etcd has answered again. A missing directory counts as
    /// empty. An unusable value counts as absent, with one warning. Never throws.
    void refresh(const Calls& calls) noexcept;

    [[nodiscard]] const RemoteValues& values() const noexcept { return values_; }

private:
    [[nodiscard]] RemoteValues ask(const Calls& calls) const;

    std::string url_;
    http::Client client_;
    RemoteValues values_;
    bool has_warned_ = false;
};

}  // namespace deployer
