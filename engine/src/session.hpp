#pragma once

#include "config.hpp"
#include "events.hpp"
#include "plugin_host.hpp"
#include "reconciler.hpp"
#include "watchdog.hpp"

#include <deployer/health.hpp>
#include <deployer/log.hpp>

#include <memory>
#include <stop_token>

namespace deployer {

/// A configuration brought to life: its plugins, guarded, and the reconciler over them. Construction does no I/O but
/// loading plugins. Throws Error `misconfigured` as PluginHost does.
class Session {
public:
    /// `log` must outlive the Session. A plugin call that hangs past deadline and grace, or past `shutdown`, is named
    /// in the log and ends the process with status 1 (R8). `on_start` counts where the configuration leaves it open.
    Session(Config config, PluginHost& host, Log& log, std::stop_token shutdown, OnStart on_start);

    [[nodiscard]] const Config& config() const { return config_; }
    [[nodiscard]] EventStream& events() { return events_; }
    [[nodiscard]] Reconciler& reconciler() { return *reconciler_; }
    [[nodiscard]] Source& source() { return *plugins_.source; }

private:
    Config config_;
    Watchdog watchdog_;
    EventStream events_;
    Plugins plugins_;
    std::shared_ptr<Health> health_;
    std::unique_ptr<Reconciler> reconciler_;
};

}  // namespace deployer
