#pragma once

#include "config/config.hpp"
#include "config/remote_settings.hpp"
#include "cycle/reconciler.hpp"
#include "events/events.hpp"
#include "host/plugin_host.hpp"
#include "host/watchdog.hpp"

#include <deployer/health.hpp>
#include <deployer/log.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

namespace deployer {

/// The plugins of a configuration, guarded, and a reconciler that uses them. Construction does no I/O but loading
/// plugins. Throws Error `misconfigured` as PluginHost does.
class Session {
public:
    /// `host` and `log` must outlive the Session. A plugin call that hangs past deadline and grace, or past `shutdown`,
    /// is named in the log and ends the process with status 1 (R8). `on_start` counts if the configuration does not set
    /// it.
    Session(Config config, PluginHost& host, Log& log, std::stop_token shutdown, OnStart on_start);

    [[nodiscard]] const Config& config() const { return config_; }
    [[nodiscard]] EventStream& events() { return events_; }
    [[nodiscard]] Reconciler& reconciler() { return *reconciler_; }
    [[nodiscard]] Source& source() { return *plugins_.source; }
    [[nodiscard]] Target& target() { return *plugins_.target; }
    [[nodiscard]] Cache& cache() { return *plugins_.cache; }

    /// Reads the settings in etcd that `settings_from` points to, if set. Health settings found there count instead of
    /// the configuration's. Never throws.
    void refresh_remote_settings(const Calls& calls) noexcept;
    /// The log level by the configuration and the remote settings.
    [[nodiscard]] LogLevel log_level() const;
    /// The pause before an exit after a failure, by the configuration and the remote settings.
    [[nodiscard]] std::chrono::milliseconds exit_pause() const;

    /// Whether the reconciler's thread still moves: a plugin call or a pause is under way, which has its own limit, or
    /// ended so lately that the next one need not have begun. Any thread.
    [[nodiscard]] bool is_alive() const;
    /// Announces a pause of that length without plugin calls, so that is_alive() holds meanwhile. The pause is over
    /// when the result is destroyed.
    [[nodiscard]] Watchdog::Watch pausing(std::chrono::milliseconds pause);

    /// Dotted paths of settings that are secrets.
    [[nodiscard]] std::set<std::string> secret_paths() const;

private:
    [[nodiscard]] std::shared_ptr<Health> make_health(const RemoteValues& values);
    void follow_health_settings(Log& log);

    Config config_;
    PluginHost& host_;
    Watchdog watchdog_;
    EventStream events_;
    Plugins plugins_;
    RemoteValues health_values_;  ///< the values that the health plugin was created with
    std::unique_ptr<Reconciler> reconciler_;
    std::optional<RemoteSettings> remote_;
};

}  // namespace deployer
