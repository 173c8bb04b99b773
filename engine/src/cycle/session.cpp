#include "cycle/session.hpp"

#include "config/written_paths.hpp"
#include "host/guard.hpp"

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
    // Writing the log may hang too, when nobody reads standard error. So a detached thread writes the line, and gets a
    // second.
    constexpr std::chrono::seconds moment{1};
    std::promise<void> written;
    auto is_written = written.get_future();
    try {
        std::thread([&log, &call, &written] {
            log.error(call +
                      ": the plugin has not returned long after its time was over; the deployer ends with status 1, "
                      "and goes on where it stopped when it is started again");
            written.set_value();
        }).detach();
        is_written.wait_for(moment);
    } catch (const std::exception&) {
        // The thread could not be started. The process ends without a line in the log.
    }
    // Destructors are not run: the thread that hangs may hold locks that they wait for.
    std::_Exit(EXIT_FAILURE);
}

/// Creates a guarded plugin. The watchdog watches the creation too.
template <class Create>
auto create_guarded(const PluginChoice& choice, const Config& config, Watchdog& watchdog, Create&& create) {
    const auto watch =
        watchdog.watch(choice.plugin + ": cannot set up the plugin", Watchdog::Clock::now() + config.call_timeout);
    return guard(create(), choice.plugin, watchdog, config.plan.redaction);
}

void set_text(SettingsNode& block, const std::string& key, const std::optional<std::string>& text) {
    if (!text) return;
    const SettingsNode value{SettingsNode::Kind::scalar, *text, true, block.line, {}, {}};
    const auto place = std::find(block.keys.begin(), block.keys.end(), key);
    if (place != block.keys.end()) {
        block.items[static_cast<std::size_t>(place - block.keys.begin())] = value;
    } else {
        block.keys.push_back(key);
        block.items.push_back(value);
    }
}

/// The health plugin's block, with the values from etcd in place of the file's.
Settings with_remote_values(const Settings& settings, SettingsDocument document, const RemoteValues& values) {
    if (!values.health_endpoint && !values.service_name_prefix) return settings;
    auto& root = document.root;
    const auto place = std::find(root.keys.begin(), root.keys.end(), "health");
    auto& block = root.items[static_cast<std::size_t>(place - root.keys.begin())];
    set_text(block, "endpoint", values.health_endpoint);
    set_text(block, "service_prefix", values.service_name_prefix);
    auto overlaid = Settings(std::make_shared<const SettingsDocument>(std::move(document))).block("health");
    (void)overlaid.text("plugin");
    return overlaid;
}

}  // namespace

Session::Session(Config config, PluginHost& host, Log& log, std::stop_token shutdown, OnStart on_start)
    : config_(std::move(config)),
      host_(host),
      watchdog_({config_.call_grace, Watchdog::Limits{}.shutdown_grace}, std::move(shutdown),
                [&log](const std::string& call) { end_process(log, call); }) {
    const auto guarded = [&](const PluginChoice& choice, auto&& create) {
        return create_guarded(choice, config_, watchdog_, create);
    };
    const auto& source = config_.source;
    const auto& target = config_.target;
    const auto& cache = config_.cache;
    plugins_.source = guarded(source, [&] { return host.create_source(source.plugin, source.settings); });
    plugins_.target = guarded(target, [&] { return host.create_target(target.plugin, target.settings); });
    plugins_.cache = guarded(cache, [&] { return host.create_cache(cache.plugin, cache.settings); });
    plugins_.health = make_health({});
    check_written_paths(config_);
    reconciler_ =
        std::make_unique<Reconciler>(plugins_,
                                     ReconcilePolicy{config_.plan, config_.rollout, config_.drift,
                                                     config_.resync_interval, config_.fingerprint, config_.interval},
                                     events_);
    if (config_.settings_from) remote_.emplace(*config_.settings_from);
    if (config_.on_start.value_or(on_start) == OnStart::rebuild) reconciler_->distrust_snapshot();
}

void Session::refresh_remote_settings(const Calls& calls) noexcept {
    if (!remote_) return;
    remote_->refresh(calls);
    follow_health_settings(calls.log);
}

std::shared_ptr<Health> Session::make_health(const RemoteValues& values) {
    if (!config_.health) return nullptr;
    const auto& choice = *config_.health;
    const auto settings = with_remote_values(choice.settings, *config_.document, values);
    return create_guarded(choice, config_, watchdog_, [&] { return host_.create_health(choice.plugin, settings); });
}

void Session::follow_health_settings(Log& log) {
    const auto& values = remote_->values();
    if (!config_.health || (values.health_endpoint == health_values_.health_endpoint &&
                            values.service_name_prefix == health_values_.service_name_prefix)) {
        return;
    }
    health_values_ = values;
    try {
        reconciler_->use_health(make_health(values));
    } catch (const Error& error) {
        log.warning("the health settings in etcd are refused, the former ones stay in use: " +
                    std::string(error.what()));
    }
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

bool Session::is_alive() const {
    // Between two plugin calls, the longest gaps are a rollout's pause of `poll`, a request to etcd, and the deployer's
    // own work, which takes less than seconds.
    constexpr std::chrono::minutes by_itself{1};
    const auto most = std::max(config_.rollout.poll, config_.call_timeout) + config_.call_grace + by_itself;
    return watchdog_.silence() < most;
}

Watchdog::Watch Session::pausing(std::chrono::milliseconds pause) {
    return watchdog_.watch("a pause of the deployer itself", Watchdog::Clock::now() + pause);
}

std::set<std::string> Session::secret_paths() const {
    auto paths = config_.own_secret_paths;
    for (const auto* choice : {&config_.source, &config_.target, &config_.cache}) {
        paths.merge(choice->settings.secret_paths());
    }
    if (config_.health) paths.merge(config_.health->settings.secret_paths());
    return paths;
}

}  // namespace deployer
