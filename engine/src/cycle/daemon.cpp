#include "cycle/daemon.hpp"

#include "config/written_paths.hpp"
#include "cycle/answer_watch.hpp"
#include "events/event_log.hpp"
#include "events/report.hpp"
#include "text/quantity.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <random>
#include <string>
#include <utility>

namespace deployer {

using std::chrono::milliseconds;

std::chrono::milliseconds retry_pause(std::size_t failures, double chance) {
    constexpr std::size_t most_doublings = 6;
    const auto doublings = std::min(failures > 0 ? failures - 1 : 0, most_doublings);
    const auto pause = std::min(1'000.0 * static_cast<double>(1U << doublings), 60'000.0);
    return milliseconds(static_cast<long>(pause * (0.75 + 0.5 * chance)));
}

milliseconds pause_after(const Error& error, milliseconds least) {
    // Longer requests are cut to a day, after which the failure may be over.
    constexpr milliseconds most = std::chrono::hours(24);
    return std::max(least, std::min(error.retry_after().value_or(milliseconds(0)), most));
}

namespace {

/// The result of the last cycle, as one line for the service manager.
std::string status_text(const CycleReport& report) {
    const std::string result(to_string(report.result));
    if (report.error) return result + ": " + report.error->what();
    const auto summary = summarise(report);
    return result + (summary.empty() || summary == result ? "" : ": " + summary) + ", revision " + report.revision.id;
}

}  // namespace

Daemon::Daemon(std::function<Config()> read_config, std::string name, StreamLog& log, std::stop_token shutdown)
    : read_config_(std::move(read_config)),
      name_(std::move(name)),
      log_(log),
      shutdown_(std::move(shutdown)),
      manager_(log) {
    start_session(read_config_());
}

void Daemon::start_session(Config config) {
    auto directories = config.plugin_path;
    directories.push_back(default_plugin_directory());
    // Plugin libraries stay loaded, so the host that knows them is kept.
    if (host_) {
        host_->search(std::move(directories));
    } else {
        host_ = std::make_unique<PluginHost>(std::move(directories));
    }
    auto session = std::make_unique<Session>(std::move(config), *host_, log_, shutdown_, OnStart::rebuild);
    check_log_file(session->config());
    log_events(session->events(), log_);
    log_.change(session->log_level(), session->config().log_json);
    {
        const std::lock_guard lock(mutex_);
        session_.swap(session);
    }
    is_debug_ = false;
}

bool Daemon::is_alive() {
    const std::lock_guard lock(mutex_);
    return session_->is_alive();
}

void Daemon::follow_remote_settings() {
    session_->refresh_remote_settings({shutdown_, log_, session_->config().call_timeout});
    const auto level = session_->log_level();
    log_.change(level, session_->config().log_json);
    if (level == LogLevel::debug && !is_debug_) log_.info("Debug log enabled.");
    is_debug_ = level == LogLevel::debug;
}

int Daemon::run() {
    log_.info("started with " + name_);
    manager_.ready();
    manager_.status("comparing for the first time");
    manager_.keep_awake([this] { return is_alive(); });
    // The service manager hears of a stop at once, even while a cycle still has to end.
    const std::stop_callback on_shutdown(shutdown_, [this] { manager_.stopping(); });
    while (!shutdown_.stop_requested()) {
        reload_if_requested();
        follow_remote_settings();
        const auto report = session_->reconciler().run_cycle({shutdown_, log_, session_->config().call_timeout});
        if (shutdown_.stop_requested()) break;
        manager_.status(status_text(report));
        // Gives the comparison's memory back to the system: the next comparison may be days away (malloc_trim(3)).
        ::malloc_trim(0);
        if (const auto status = rest_after(report)) {
            manager_.stopping();
            return *status;
        }
    }
    // The thread that requests the stop calls back a moment after the loop may have seen the request. A callback that
    // is destroyed before its turn is never called (std::stop_callback).
    manager_.stopping();
    log_.info("stopped, as asked");
    return EXIT_SUCCESS;
}

std::optional<int> Daemon::rest_after(const CycleReport& report) {
    if (report.error && session_->config().on_failure == OnFailure::exit) return end_after(*report.error);
    const auto kind = report.error ? std::optional(report.error->kind()) : std::nullopt;
    if (!kind && report.overtaken) {
        failures_ = 0;
        return std::nullopt;
    }
    // An error in the wanted state is mended by a change of the source. So the source is watched, and nothing retried.
    if (!kind || kind == ErrorKind::rejected || kind == ErrorKind::not_found) {
        failures_ = 0;
        wait_for_change(report.changes.empty());
    } else {
        wait_to_retry(*report.error);
    }
    return std::nullopt;
}

std::optional<int> Daemon::end_after(const Error& error) {
    const auto pause = pause_after(error, session_->exit_pause());
    log_.warning("the deployer ends in " + duration_text(pause) +
                 " with status 1, so that its supervisor starts it again");
    wait(pause);
    if (reload_is_requested()) return std::nullopt;
    return shutdown_.stop_requested() ? EXIT_SUCCESS : EXIT_FAILURE;
}

void Daemon::wait_to_retry(const Error& error) {
    const bool needs_a_person = error.kind() == ErrorKind::misconfigured;
    // So many failures that the pause is the longest: until a person acts, trying often does not help.
    constexpr std::size_t longest = 100;
    ++failures_;
    std::random_device random;
    const auto chance = std::generate_canonical<double, 32>(random);
    const auto pause = pause_after(error, retry_pause(needs_a_person ? longest : failures_, chance));
    log_.warning("trying again in " + duration_text(pause) +
                 (needs_a_person ? ", or at once on SIGHUP; the configuration is read again then" : ""));
    if (error.kind() == ErrorKind::unavailable && !error.retry_after() && pause > answer_pace) {
        wait_for_target(pause);
    } else {
        wait(pause);
    }
    // The person may have mended a file that the configuration names, so everything is read again. Another deployer may
    // have used the cache meanwhile, so a new session also drops the known cluster and ledger.
    if (needs_a_person) request_reload();
}

void Daemon::request_reload() {
    const std::lock_guard lock(mutex_);
    reload_requested_ = true;
    wait_.request_stop();
}

bool Daemon::reload_is_requested() {
    const std::lock_guard lock(mutex_);
    return reload_requested_;
}

void Daemon::reload_if_requested() {
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(reload_requested_, false)) return;
    }
    manager_.reloading();
    try {
        start_session(read_config_());
        log_.info("read the configuration " + name_ + " again");
    } catch (const std::exception& error) {
        log_.error("the new configuration is refused, the former one stays in use: " + std::string(error.what()));
    }
    manager_.ready();
}

template <class Function>
void Daemon::interruptibly(milliseconds pause, Function&& waiting) {
    std::stop_source ended;
    {
        const std::lock_guard lock(mutex_);
        if (reload_requested_) return;
        wait_ = ended;
    }
    const std::stop_callback on_shutdown(shutdown_, [&ended] { ended.request_stop(); });
    waiting(Calls{ended.get_token(), log_, pause}.make());
}

void Daemon::wait(milliseconds pause) {
    const auto watch = session_->pausing(pause);
    interruptibly(pause, [&](const Call& call) { (void)call.wait(pause); });
}

void Daemon::wait_for_target(milliseconds pause) {
    const auto watch = session_->pausing(pause);
    interruptibly(pause, [&](const Call& call) {
        if (wait_for_answer(session_->target(), call)) log_.info("the target answers again: trying again now");
    });
}

void Daemon::wait_for_change(bool idle) {
    // A source that reports changes all the time must not cause cycles faster than this.
    constexpr milliseconds least_pause{100};
    const auto interval = session_->config().interval;
    bool changed = false;
    const auto begin = std::chrono::steady_clock::now();
    interruptibly(interval, [&](const Call& call) {
        try {
            (void)call.wait(std::min(least_pause, interval));
            session_->source().wait_for_change(call);
            changed = !call.stop.stop_requested() && call.remaining().count() > 0;
        } catch (const Error& error) {
            log_.warning(error.what());
            const auto watch = session_->pausing(interval);
            (void)call.wait(interval);
        }
    });
    const auto waited = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    if (streak_.follow(idle, changed, waited)) rest_from_changes();
}

void Daemon::rest_from_changes() {
    const auto interval = session_->config().interval;
    if (streak_.is_news()) {
        log_.warning(
            "the source has changed right after each of the last " + quantity(ChangeStreak::longest, "cycle") +
            ", and no change concerned the cluster: something keeps writing into the source, perhaps each time that "
            "it is read. Until that ends, the source is asked only every " +
            duration_text(interval));
    }
    wait(interval);
}

}  // namespace deployer
