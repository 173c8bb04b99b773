#include "session.hpp"

#include "guard.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <future>
#include <string>
#include <thread>
#include <utility>

namespace deployer {
namespace {

/// Called on the watchdog's thread.
void end_process(Log& log, const std::string& call) {
    // The log may hang as the plugin does, when nobody reads standard error. It has a moment, on a thread that nobody
    // waits for.
    constexpr std::chrono::seconds moment{1};
    std::promise<void> written;
    auto is_written = written.get_future();
    try {
        std::thread([&log, &call, &written] {
            log.error(call +
                      ": the plugin has not returned, long after it had to; the deployer ends here with status 1, and "
                      "starts where it left when it is started again");
            written.set_value();
        }).detach();
        is_written.wait_for(moment);
    } catch (const std::exception&) {
        // Without a thread to write it, it ends unsaid.
    }
    // No destructors: the thread that hangs may hold whatever they wait for.
    std::_Exit(EXIT_FAILURE);
}

/// A plugin that is under the watchdog's eyes from its creation on.
template <class Create>
auto create_guarded(const PluginChoice& choice, std::chrono::milliseconds timeout, Watchdog& watchdog,
                    Create&& create) {
    const auto watch = watchdog.watch(choice.plugin + ": cannot set up the plugin", Watchdog::Clock::now() + timeout);
    return guard(create(), choice.plugin, watchdog);
}

}  // namespace

Session::Session(Config config, PluginHost& host, Log& log, std::stop_token shutdown, OnStart on_start)
    : config_(std::move(config)),
      watchdog_({config_.call_grace, Watchdog::Limits{}.shutdown_grace}, std::move(shutdown),
                [&log](const std::string& call) { end_process(log, call); }) {
    const auto guarded = [&](const PluginChoice& choice, auto&& create) {
        return create_guarded(choice, config_.call_timeout, watchdog_, create);
    };
    const auto& source = config_.source;
    const auto& target = config_.target;
    const auto& cache = config_.cache;
    plugins_.source = guarded(source, [&] { return host.create_source(source.plugin, source.settings); });
    plugins_.target = guarded(target, [&] { return host.create_target(target.plugin, target.settings); });
    plugins_.cache = guarded(cache, [&] { return host.create_cache(cache.plugin, cache.settings); });
    if (config_.health) {
        const auto& health = *config_.health;
        health_ = guarded(health, [&] { return host.create_health(health.plugin, health.settings); });
    }
    reconciler_ = std::make_unique<Reconciler>(
        plugins_,
        ReconcilePolicy{config_.plan, config_.rollout, config_.drift, config_.resync_interval, config_.fingerprint},
        events_);
    if (config_.settings_from) remote_.emplace(*config_.settings_from);
    if (config_.on_start.value_or(on_start) == OnStart::rebuild) reconciler_->distrust_snapshot();
}

void Session::refresh_remote_settings(const Calls& calls) noexcept {
    if (remote_) remote_->refresh(calls);
}

LogLevel Session::log_level() const {
    const auto configured = config_.log_level.value_or(LogLevel::info);
    const auto is_debug = remote_ ? remote_->values().is_debug : std::nullopt;
    if (!is_debug) return configured;
    return *is_debug ? LogLevel::debug : std::max(configured, LogLevel::info);
}

std::chrono::milliseconds Session::exit_pause() const {
    const auto pause = remote_ ? remote_->values().pause_before_restart : std::nullopt;
    return pause ? std::chrono::milliseconds(*pause) : config_.exit_pause;
}

std::set<std::string> Session::secret_paths() const {
    std::set<std::string> paths;
    for (const auto* choice : {&config_.source, &config_.target, &config_.cache}) {
        paths.merge(choice->settings.secret_paths());
    }
    if (config_.health) paths.merge(config_.health->settings.secret_paths());
    return paths;
}

void Session::warn_of_unused(Log& log) const {
    if (!health_) return;
    log.warning("rollouts do not ask health plugins yet, so " + config_.health->plugin +
                " is loaded but not asked: the target's status alone decides");
}

}  // namespace deployer
