#include "session.hpp"

#include "guard.hpp"

#include <cstdlib>
#include <string>
#include <utility>

namespace deployer {
namespace {

void end_process(Log& log, const std::string& call) {
    log.error(call +
              ": the plugin has not returned, long after it had to; the deployer ends here with status 1, and starts "
              "where it left when it is started again");
    // No destructors: the thread that hangs may hold whatever they wait for.
    std::_Exit(EXIT_FAILURE);
}

}  // namespace

Session::Session(Config config, PluginHost& host, Log& log, std::stop_token shutdown, OnStart on_start)
    : config_(std::move(config)),
      watchdog_({config_.call_grace, Watchdog::Limits{}.shutdown_grace}, std::move(shutdown),
                [&log](const std::string& call) { end_process(log, call); }) {
    const auto& [source, target, cache] = std::tie(config_.source, config_.target, config_.cache);
    plugins_.source = guard(host.create_source(source.plugin, source.settings), source.plugin, watchdog_);
    plugins_.target = guard(host.create_target(target.plugin, target.settings), target.plugin, watchdog_);
    plugins_.cache = guard(host.create_cache(cache.plugin, cache.settings), cache.plugin, watchdog_);
    if (config_.health) {
        health_ = guard(host.create_health(config_.health->plugin, config_.health->settings), config_.health->plugin,
                        watchdog_);
        log.warning("rollouts do not ask health plugins yet, so " + config_.health->plugin +
                    " is loaded but not asked: the target's status alone decides");
    }
    reconciler_ = std::make_unique<Reconciler>(
        plugins_,
        ReconcilePolicy{config_.plan, config_.rollout, config_.drift, config_.resync_interval, config_.fingerprint},
        events_);
    if (config_.on_start.value_or(on_start) == OnStart::rebuild) reconciler_->distrust_snapshot();
}

}  // namespace deployer
