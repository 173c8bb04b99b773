#pragma once

#include "cycle/change_streak.hpp"
#include "cycle/service_manager.hpp"
#include "cycle/session.hpp"
#include "events/stream_log.hpp"
#include "host/plugin_host.hpp"

#include <deployer/error.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

namespace deployer {

/// The pause after the given number of failures in a row (from 1). Begins with a second and doubles, up to a minute,
/// plus or minus up to a quarter, so that several deployers do not retry together. `chance` is within [0, 1).
std::chrono::milliseconds retry_pause(std::size_t failures, double chance);

/// The pause after the error: `least`, or longer, up to a day, if Error::retry_after asks for that.
std::chrono::milliseconds pause_after(const Error& error, std::chrono::milliseconds least);

/// The `run` command: cycle after cycle, until a stop is requested. Keeps the service manager informed, if there is one
/// (service_manager.hpp).
class Daemon {
public:
    /// `read_config` returns the configuration, now and at each reload; `name` is its name in messages. Throws Error
    /// `misconfigured` for an unusable configuration.
    Daemon(std::function<Config()> read_config, std::string name, StreamLog& log, std::stop_token shutdown);

    /// Runs cycles. Returns the exit status: 0 after a stop request; 1 after a failed cycle with `on_failure: exit`.
    int run();

    /// Has the configuration read again before the next cycle. An unusable configuration is refused, and the former one
    /// stays. Any thread.
    void request_reload();

private:
    void start_session(Config config);
    /// Whether the reconciler's thread still moves (Session::is_alive). Any thread.
    [[nodiscard]] bool is_alive();
    /// Asks for remote settings and applies those that changed since the last cycle.
    void follow_remote_settings();
    [[nodiscard]] bool reload_is_requested();
    void reload_if_requested();
    /// Waits as the report requires. Returns the status to exit with, or nullopt to go on with the next cycle.
    std::optional<int> rest_after(const CycleReport& report);
    /// Sleeps before the exit of `on_failure: exit`. Returns the status to exit with, or nullopt after a reload
    /// request.
    std::optional<int> end_after(const Error& error);
    void wait_to_retry(const Error& error);
    /// `idle`: the cycle before had nothing to do.
    void wait_for_change(bool idle);
    /// Waits a whole interval, because the source changes whenever it is read. Logs that once.
    void rest_from_changes();
    void wait(std::chrono::milliseconds pause);
    /// Waits for the pause. Ends early when the target was out of reach and answers again.
    void wait_for_target(std::chrono::milliseconds pause);
    /// Runs `waiting` with a Call that ends at `pause`, at a stop request and at a reload request.
    template <class Function>
    void interruptibly(std::chrono::milliseconds pause, Function&& waiting);

    std::function<Config()> read_config_;
    std::string name_;
    StreamLog& log_;
    std::stop_token shutdown_;
    std::unique_ptr<PluginHost> host_;
    std::unique_ptr<Session> session_;  ///< replaced with the mutex held
    std::size_t failures_ = 0;
    ChangeStreak streak_;
    bool is_debug_ = false;  ///< whether debug lines are shown, and that was logged

    std::mutex mutex_;
    bool reload_requested_ = false;
    std::stop_source wait_{std::nostopstate};

    ServiceManager manager_;  ///< last member, destroyed first: its thread calls this object
};

}  // namespace deployer
