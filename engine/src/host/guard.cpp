#include "host/guard.hpp"

#include "host/defect.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>

namespace deployer {
namespace {

using Secrets = std::span<const std::string>;

/// A log for a plugin: adds the plugin's name to each message, and leaves secrets out.
class NamedLog final : public Log {
public:
    NamedLog(Log& log, const std::string& plugin, const Redaction& redaction, Secrets secrets)
        : log_(log), plugin_(plugin), redaction_(redaction), secrets_(secrets) {}

    void write(LogLevel level, std::string_view message) noexcept override try {
        log_.write(level, plugin_ + ": " + redaction_.message(message, secrets_));
    } catch (...) {
        log_.write(level, "a plugin's message is lost: there is no memory to write it");
    }

private:
    Log& log_;
    const std::string& plugin_;
    const Redaction& redaction_;
    Secrets secrets_;
};

/// The one way to call a plugin. All guards share it: it puts the plugin's name into messages and keeps secrets out.
class Caller {
public:
    Caller(std::string plugin, Watchdog& watchdog, Redaction redaction)
        : plugin_(std::move(plugin)), watchdog_(&watchdog), redaction_(std::move(redaction)) {}

    /// Calls `function`. `doing` completes "cannot …" in messages; `secrets` are those of the unit concerned.
    template <class Function>
    auto operator()(const std::string& doing, const Call& call, Function&& function, Secrets secrets = {}) const {
        NamedLog log(call.log, plugin_, redaction_, secrets);
        const Call named{call.deadline, call.stop, log};
        return watched(
            doing, call.deadline, [&] { return function(named); }, secrets);
    }

    /// Calls a `function` that gets no Call. Such a function must not wait for anything, so its deadline is now, and
    /// only the watchdog's grace is left.
    template <class Function>
    auto operator()(const std::string& doing, Function&& function) const {
        return watched(doing, Watchdog::Clock::now(), std::forward<Function>(function));
    }

    /// `what` completes "a defect of NAME: ".
    [[nodiscard]] Error defect(const std::string& what) const {
        return {ErrorKind::internal, "a defect of " + plugin_ + ": " + what};
    }

    [[nodiscard]] std::vector<std::string> secrets_in(std::span<const UnitOption> options) const {
        return redaction_.secrets_in(options);
    }

    /// The plugin's text, without secrets.
    [[nodiscard]] std::string shown(std::string_view text, Secrets secrets = {}) const {
        return redaction_.message(text, secrets);
    }

private:
    template <class Function>
    auto watched(const std::string& doing, Watchdog::Clock::time_point deadline, Function&& function,
                 Secrets secrets = {}) const {
        const auto watch = watchdog_->watch(plugin_ + ": cannot " + doing, deadline);
        try {
            return function();
        } catch (...) {
            rethrow(doing, secrets);
        }
    }

    [[noreturn]] void rethrow(const std::string& doing, Secrets secrets) const {
        try {
            rethrow_as_error(plugin_);
        } catch (const Error& error) {
            const Error clean(error.kind(), "cannot " + doing + ": " + shown(error.what(), secrets));
            throw error.retry_after() ? clean.with_retry_after(*error.retry_after()) : clean;
        }
    }

    std::string plugin_;
    Watchdog* watchdog_;
    Redaction redaction_;
};

class GuardedCheckout final : public Checkout {
public:
    GuardedCheckout(std::unique_ptr<Checkout> checkout, const Caller& caller)
        : checkout_(std::move(checkout)), caller_(caller) {}

    const Revision& revision() const override {
        revision_ = caller_("tell the revision of the wanted state", [&] { return checkout_->revision(); });
        if (revision_.empty()) throw caller_.defect("its checkout has no revision");
        return revision_;
    }

    std::vector<File> read(std::span<const FileRequest> requests, const Call& call) override {
        auto files =
            caller_("read the wanted state", call, [&](const Call& named) { return checkout_->read(requests, named); });
        if (files.size() != requests.size()) {
            throw caller_.defect("asked for " + std::to_string(requests.size()) + " files, it gave " +
                                 std::to_string(files.size()));
        }
        return files;
    }

private:
    std::unique_ptr<Checkout> checkout_;
    const Caller& caller_;
    mutable Revision revision_;  ///< the last one that the checkout gave
};

class GuardedSource final : public Source {
public:
    GuardedSource(std::shared_ptr<Source> source, std::string plugin, Watchdog& watchdog, Redaction redaction)
        : source_(std::move(source)), caller_(std::move(plugin), watchdog, std::move(redaction)) {}

    std::unique_ptr<Checkout> checkout(const Revision& known, const Call& call) override {
        auto checkout =
            caller_("read the wanted state", call, [&](const Call& named) { return source_->checkout(known, named); });
        if (checkout) return std::make_unique<GuardedCheckout>(std::move(checkout), caller_);
        if (!known.empty()) return nullptr;
        throw caller_.defect("checkout() of no known revision gave null");
    }

    void wait_for_change(const Call& call) override {
        caller_("wait for a change of the wanted state", call,
                [&](const Call& named) { source_->wait_for_change(named); });
    }

private:
    std::shared_ptr<Source> source_;
    Caller caller_;
};

/// The secrets of the units of a cluster, for texts about a unit whose options are not at hand. Any thread.
class UnitSecrets {
public:
    /// Sets the secrets of all units, after a listing.
    void replace(std::map<std::string, std::vector<std::string>, std::less<>> secrets) {
        const std::scoped_lock lock(mutex_);
        secrets_ = std::move(secrets);
    }

    /// Adds secrets of a unit that is about to get them. The unit may still show its former secrets, so those stay.
    void add(std::string_view unit, const std::vector<std::string>& secrets) {
        if (secrets.empty()) return;
        const std::scoped_lock lock(mutex_);
        auto& all = secrets_[std::string(unit)];
        for (const auto& secret : secrets) {
            if (std::find(all.begin(), all.end(), secret) == all.end()) all.push_back(secret);
        }
        sort_longest_first(all);
    }

    [[nodiscard]] std::vector<std::string> all() const {
        const std::scoped_lock lock(mutex_);
        std::vector<std::string> all;
        for (const auto& [unit, secrets] : secrets_) all.insert(all.end(), secrets.begin(), secrets.end());
        sort_longest_first(all);
        return all;
    }

    [[nodiscard]] std::vector<std::string> of(std::string_view unit) const {
        const std::scoped_lock lock(mutex_);
        const auto found = secrets_.find(unit);
        return found == secrets_.end() ? std::vector<std::string>{} : found->second;
    }

private:
    /// A shorter secret may be part of a longer one. Replaced first, it would leave the rest of the longer one
    /// readable.
    static void sort_longest_first(std::vector<std::string>& secrets) {
        std::stable_sort(secrets.begin(), secrets.end(),
                         [](const auto& one, const auto& other) { return one.size() > other.size(); });
    }

    mutable std::mutex mutex_;
    std::map<std::string, std::vector<std::string>, std::less<>> secrets_;
};

class GuardedTarget final : public Target {
public:
    GuardedTarget(std::shared_ptr<Target> target, std::string plugin, Watchdog& watchdog, Redaction redaction)
        : target_(std::move(target)), caller_(std::move(plugin), watchdog, std::move(redaction)) {}

    std::string identity() const override {
        return caller_("tell which cluster this is", [&] { return target_->identity(); });
    }

    std::vector<ActualUnit> list(const Call& call) override {
        auto units = caller_(
            "list the units", call, [&](const Call& named) { return target_->list(named); }, secrets_.all());
        std::map<std::string, std::vector<std::string>, std::less<>> secrets;
        for (const auto& [unit, word] : units) {
            if (auto of_unit = caller_.secrets_in(unit.options); !of_unit.empty()) {
                secrets.emplace(unit.name, std::move(of_unit));
            }
        }
        secrets_.replace(std::move(secrets));
        return units;
    }

    void apply(const Unit& unit, const Call& call) override {
        secrets_.add(unit.name, caller_.secrets_in(unit.options));
        caller_(
            "apply " + unit.name, call, [&](const Call& named) { target_->apply(unit, named); },
            secrets_.of(unit.name));
    }

    void set_desired_state(std::string_view unit, DesiredState state, const Call& call) override {
        caller_(
            "set " + std::string(unit) + " to " + std::string(to_string(state)), call,
            [&](const Call& named) { target_->set_desired_state(unit, state, named); }, secrets_.of(unit));
    }

    void destroy(std::string_view unit, const Call& call) override {
        caller_(
            "destroy " + std::string(unit), call, [&](const Call& named) { target_->destroy(unit, named); },
            secrets_.of(unit));
    }

    UnitStatus status(const Unit& unit, const Call& call) override {
        secrets_.add(unit.name, caller_.secrets_in(unit.options));
        const auto secrets = secrets_.of(unit.name);
        auto status = caller_(
            "tell the status of " + unit.name, call, [&](const Call& named) { return target_->status(unit, named); },
            secrets);
        status.detail = caller_.shown(status.detail, secrets);
        return status;
    }

    bool serial() const override {
        return caller_("tell whether calls may run in parallel", [&] { return target_->serial(); });
    }

private:
    std::shared_ptr<Target> target_;
    Caller caller_;
    UnitSecrets secrets_;
};

class GuardedCache final : public Cache {
public:
    GuardedCache(std::shared_ptr<Cache> cache, std::string plugin, Watchdog& watchdog, Redaction redaction)
        : cache_(std::move(cache)), caller_(std::move(plugin), watchdog, std::move(redaction)) {}

    std::optional<std::string> load(std::string_view key, const Call& call) override {
        return caller_("load " + std::string(key) + " from the cache", call,
                       [&](const Call& named) { return cache_->load(key, named); });
    }

    void store(std::string_view key, std::string_view document, const Call& call) override {
        caller_("store " + std::string(key) + " in the cache", call,
                [&](const Call& named) { cache_->store(key, document, named); });
    }

    void erase(std::string_view key, const Call& call) override {
        caller_("erase " + std::string(key) + " from the cache", call,
                [&](const Call& named) { cache_->erase(key, named); });
    }

    void leave(std::string_view key, std::string_view document, const Call& call) override {
        caller_("leave " + std::string(key) + " in the cache", call,
                [&](const Call& named) { cache_->leave(key, document, named); });
    }

private:
    std::shared_ptr<Cache> cache_;
    Caller caller_;
};

class GuardedHealth final : public Health {
public:
    GuardedHealth(std::shared_ptr<Health> health, std::string plugin, Watchdog& watchdog, Redaction redaction)
        : health_(std::move(health)), caller_(std::move(plugin), watchdog, std::move(redaction)) {}

    HealthReport check(const ServiceGroupRef& service, const Call& call) override {
        auto report = caller_("check the health of " + service.service, call,
                              [&](const Call& named) { return health_->check(service, named); });
        report.detail = caller_.shown(report.detail);
        return report;
    }

private:
    std::shared_ptr<Health> health_;
    Caller caller_;
};

}  // namespace

std::shared_ptr<Source> guard(std::shared_ptr<Source> source, std::string plugin, Watchdog& watchdog,
                              Redaction redaction) {
    return std::make_shared<GuardedSource>(std::move(source), std::move(plugin), watchdog, std::move(redaction));
}

std::shared_ptr<Target> guard(std::shared_ptr<Target> target, std::string plugin, Watchdog& watchdog,
                              Redaction redaction) {
    return std::make_shared<GuardedTarget>(std::move(target), std::move(plugin), watchdog, std::move(redaction));
}

std::shared_ptr<Cache> guard(std::shared_ptr<Cache> cache, std::string plugin, Watchdog& watchdog,
                             Redaction redaction) {
    return std::make_shared<GuardedCache>(std::move(cache), std::move(plugin), watchdog, std::move(redaction));
}

std::shared_ptr<Health> guard(std::shared_ptr<Health> health, std::string plugin, Watchdog& watchdog,
                              Redaction redaction) {
    return std::make_shared<GuardedHealth>(std::move(health), std::move(plugin), watchdog, std::move(redaction));
}

}  // namespace deployer
