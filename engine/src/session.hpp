#pragma once

#include "config.hpp"
#include "events.hpp"
#include "plugin_host.hpp"
#include "reconciler.hpp"
#include "remote_settings.hpp"
#include "watchdog.hpp"

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
    /// `log` must outlive the Session. A plugin call that hangs past deadline and grace, or past `shutdown`, is named
    /// in the log and ends the process with status 1 (R8). `on_start` counts where the configuration leaves it open.
    Session(Config config, PluginHost& host, Log& log, std::stop_token shutdown, OnStart on_start);

    /// Warns of what is configured and has no effect. Not at construction, when the log is not the configured one yet.
    void warn_of_unused(Log& log) const;

    [[nodiscard]] const Config& config() const { return config_; }
    [[nodiscard]] EventStream& events() { return events_; }
    [[nodiscard]] Reconciler& reconciler() { return *reconciler_; }
    [[nodiscard]] Source& source() { return *plugins_.source; }

    /// Asks where `settings_from` points to, if anywhere. Never throws.
    void refresh_remote_settings(const Calls& calls) noexcept;
    /// As the configuration and the remote settings have it.
    [[nodiscard]] LogLevel log_level() const;
    /// Before an exit after a failure; likewise.
    [[nodiscard]] std::chrono::milliseconds exit_pause() const;

    /// Dotted paths of the settings that are secrets.
    [[nodiscard]] std::set<std::string> secret_paths() const;

private:
    Config config_;
    Watchdog watchdog_;
    EventStream events_;
    Plugins plugins_;
    std::shared_ptr<Health> health_;
    std::unique_ptr<Reconciler> reconciler_;
    std::optional<RemoteSettings> remote_;
};

}  // namespace deployer
