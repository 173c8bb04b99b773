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

/// How long to wait after the given number of failures in a row (from 1): from a second, doubling, to a minute at most,
/// and up to a quarter more or less of it. `chance` is within [0, 1).
std::chrono::milliseconds retry_pause(std::size_t failures, double chance);

/// A pause after the error: longer than `least` where the other side asked not to be asked again before, but for a day
/// at most.
std::chrono::milliseconds pause_after(const Error& error, std::chrono::milliseconds least);

/// The `run` command: cycle after cycle, until a stop is requested. Tells the service manager, if there is one, how it
/// goes (service_manager.hpp).
class Daemon {
public:
    /// Throws Error `misconfigured` for a configuration that is not usable.
    /// `read_config` gives the configuration, now and at each reload; messages call it `name`.
    Daemon(std::function<Config()> read_config, std::string name, StreamLog& log, std::stop_token shutdown);

    /// The exit status: 0 after a stop request; 1 after a cycle that failed, with `on_failure: exit`.
    int run();

    /// Reads the configuration again before the next cycle; an unusable one is refused and the former stays. Any
    /// thread.
    void request_reload();

private:
    void start_session(Config config);
    /// Whether the reconciler's thread is heard of. Any thread.
    [[nodiscard]] bool is_alive();
    /// Takes over what may have changed there since the last cycle.
    void follow_remote_settings();
    [[nodiscard]] bool reload_is_requested();
    void reload_if_requested();
    /// What to exit with; nullopt to go on.
    std::optional<int> rest_after(const CycleReport& report);
    /// Sleeps, as `on_failure: exit` has it; what to exit with, or nullopt when the configuration is to be read again.
    std::optional<int> end_after(const Error& error);
    void wait_to_retry(const Error& error);
    /// `idle`: the cycle before had nothing to do.
    void wait_for_change(bool idle);
    /// After changes that never end; says so.
    void rest_from_changes();
    void wait(std::chrono::milliseconds pause);
    /// Shorter, if the target is what is out of reach and answers again.
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
    bool is_debug_ = false;  ///< whether debug lines are shown, and it was said

    std::mutex mutex_;
    bool reload_requested_ = false;
    std::stop_source wait_{std::nostopstate};

    ServiceManager manager_;  ///< last, for its thread asks this object
};

}  // namespace deployer
