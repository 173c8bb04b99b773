#pragma once

#include "plugin_host.hpp"
#include "session.hpp"
#include "stream_log.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

namespace deployer {

/// How long to wait after the given number of failures in a row (from 1): from a second, doubling, to a minute at most,
/// and up to a quarter more or less of it. `chance` is within [0, 1).
std::chrono::milliseconds retry_pause(std::size_t failures, double chance);

/// The `run` command: cycle after cycle, until a stop is requested.
class Daemon {
public:
    /// Throws Error `misconfigured` for a configuration that is not usable.
    Daemon(std::filesystem::path config_file, StreamLog& log, std::stop_token shutdown);

    /// The exit status: 0 after a stop request; 1 when a person has to change the configuration, or after a failure
    /// with `on_failure: exit`.
    int run();

    /// Reads the configuration again before the next cycle; an unusable one is refused and the former stays. Any
    /// thread.
    void request_reload();

private:
    void start_session(Config config);
    [[nodiscard]] bool reload_is_requested();
    void reload_if_requested();
    /// What to exit with; nullopt to go on.
    std::optional<int> rest_after(const CycleReport& report);
    void wait_for_change();
    void wait(std::chrono::milliseconds pause);
    /// Runs `waiting` with a Call that ends at `pause`, at a stop request and at a reload request.
    template <class Function>
    void interruptibly(std::chrono::milliseconds pause, Function&& waiting);

    std::filesystem::path config_file_;
    StreamLog& log_;
    std::stop_token shutdown_;
    std::unique_ptr<PluginHost> host_;
    std::unique_ptr<Session> session_;
    std::size_t failures_ = 0;

    std::mutex mutex_;
    bool reload_requested_ = false;
    std::stop_source wait_{std::nostopstate};
};

}  // namespace deployer
