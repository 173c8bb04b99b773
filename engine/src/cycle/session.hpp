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

/// A configuration brought to life: its plugins, guarded, and the reconciler over them. Construction does no I/O but
/// loading plugins. Throws Error `misconfigured` as PluginHost does.
class Session {
public:
    /// `host` and `log` must outlive the Session. A plugin call that hangs past deadline and grace, or past `shutdown`,
    /// is named in the log and ends the process with status 1 (R8). `on_start` counts where the configuration leaves it
    /// open.
    Session(Config config, PluginHost& host, Log& log, std::stop_token shutdown, OnStart on_start);

    [[nodiscard]] const Config& config() const { return config_; }
    [[nodiscard]] EventStream& events() { return events_; }
    [[nodiscard]] Reconciler& reconciler() { return *reconciler_; }
    [[nodiscard]] Source& source() { return *plugins_.source; }
    [[nodiscard]] Target& target() { return *plugins_.target; }
    [[nodiscard]] Cache& cache() { return *plugins_.cache; }

    /// Asks where `settings_from` points to, if anywhere; what is there of the health plugin's settings counts instead
    /// of the configuration's. Never throws.
    void refresh_remote_settings(const Calls& calls) noexcept;
    /// As the configuration and the remote settings have it.
    [[nodiscard]] LogLevel log_level() const;
    /// Before an exit after a failure; likewise.
    [[nodiscard]] std::chrono::milliseconds exit_pause() const;

    /// Whether anything was heard of lately: a plugin call or a pause is under way, which has its own limit, or ended
    /// no longer ago than whatever is between two of them may take. Any thread.
    [[nodiscard]] bool is_alive() const;
    /// Says that the caller waits for so long, and calls no plugin meanwhile. As long as the result lives.
    [[nodiscard]] Watchdog::Watch pausing(std::chrono::milliseconds pause);

    /// Dotted paths of the settings that are secrets.
    [[nodiscard]] std::set<std::string> secret_paths() const;

private:
    [[nodiscard]] std::shared_ptr<Health> make_health(const RemoteValues& values);
    void follow_health_settings(Log& log);

    Config config_;
    PluginHost& host_;
    Watchdog watchdog_;
    EventStream events_;
    Plugins plugins_;
    RemoteValues health_values_;  ///< that the health plugin was made with
    std::unique_ptr<Reconciler> reconciler_;
    std::optional<RemoteSettings> remote_;
};

}  // namespace deployer
