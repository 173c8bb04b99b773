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

/// The `settings_from` block: where settings are that operators change while the deployer runs.
struct SettingsOrigin {
    std::string etcd;    ///< e.g. "http://host:2379"
    std::string prefix;  ///< the directory of the keys, e.g. "/ft/config/deployer"
    http::ClientOptions options;
};

/// Reads the block. Throws Error `misconfigured`.
SettingsOrigin read_settings_origin(const Settings& settings);

/// The settings in etcd; each is absent where etcd has no such key, or a value that makes no sense.
struct RemoteValues {
    std::optional<bool> is_debug;                              ///< `is-debug`
    std::optional<std::chrono::seconds> pause_before_restart;  ///< `no-of-secs-to-sleep-before-restart`
    std::optional<std::string> health_endpoint;                ///< `health-endpoint`
    std::optional<std::string> service_name_prefix;            ///< `service-name-prefix`
    std::vector<std::string> problems;                         ///< what makes no sense, a message each

    bool operator==(const RemoteValues&) const = default;
};

/// Reads etcd's answer for a directory (v2 keys API). Throws Error `unavailable` for anything that is not such an
/// answer.
RemoteValues read_remote_values(std::string_view answer);

/// Settings that live in etcd. One thread.
class RemoteSettings {
public:
    /// No I/O.
    explicit RemoteSettings(const SettingsOrigin& origin);

    /// Asks etcd, for a few seconds at most. When it does not answer, what is known stays (at first: nothing, so the
    /// defaults hold), with a warning that is not repeated until it has answered again. A directory that etcd does not
    /// have has no settings. A value that makes no sense counts as absent, and is warned of once. Never throws.
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
