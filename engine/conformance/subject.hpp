#pragma once

#include "conformance/fault_port.hpp"
#include "conformance/suite_settings.hpp"
#include "conformance/workplace.hpp"
#include "host/plugin_host.hpp"

#include <deployer/call.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace deployer::conformance {

/// Keeps the last lines, for whoever wonders why a check failed.
class KeptLog final : public Log {
public:
    void write(LogLevel level, std::string_view message) noexcept override;
    [[nodiscard]] std::vector<std::string> take();

private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

/// The plugin that is checked, and all that a check needs to make instances of it and to call them. Calls can be made
/// from several threads, instances only from one.
class Subject {
public:
    using Time = std::chrono::milliseconds;
    /// Of calls that there is no answer to.
    static constexpr Time short_time{200};
    /// Within which a call has to end once its deadline is over, and once it was stopped: what the engine leaves it.
    static constexpr Time late_bound{2'000};
    static constexpr Time stop_bound{1'500};

    Subject(std::filesystem::path plugin, SuiteSettings settings, const Workplace& workplace);

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return plugin_; }
    [[nodiscard]] const SuiteSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] const Workplace& workplace() const noexcept { return workplace_; }
    [[nodiscard]] KeptLog& log() noexcept { return log_; }
    /// Loads it; what the host says of it.
    [[nodiscard]] FoundPlugin judge() { return host_.judge(plugin_); }

    /// An instance with a block of settings, and with the one that works. What the plugin throws comes through.
    template <class Interface>
    std::shared_ptr<Interface> make(const SettingsNode& block);
    template <class Interface>
    std::shared_ptr<Interface> make() {
        return make<Interface>(settings_.settings);
    }

    /// The same of whatever kind it is; the pointer's deleter knows which.
    std::shared_ptr<void> make_any(PluginKind kind, const Settings& settings);
    std::shared_ptr<void> make_any(PluginKind kind, const SettingsNode& block) {
        return make_any(kind, settings_of(settings_, block));
    }

    /// With the other side out of reach, another one, or at such a port. Throws CheckSkipped where the settings do not
    /// say how.
    template <class Interface>
    std::shared_ptr<Interface> make_unreachable() {
        return make<Interface>(block_of(settings_.unreachable, "unreachable"));
    }
    template <class Interface>
    std::shared_ptr<Interface> make_other() {
        return make<Interface>(block_of(settings_.other, "another_cluster"));
    }
    template <class Interface>
    std::shared_ptr<Interface> make_at(const FaultPort& port) {
        return make<Interface>(
            replaced(block_of(settings_.network, "network"), "{port}", std::to_string(port.number())));
    }

    [[nodiscard]] Call call() { return call(settings_.call_timeout); }
    [[nodiscard]] Call call(Time within) { return call({}, within); }
    [[nodiscard]] Call call(std::stop_token stop) { return call(std::move(stop), settings_.call_timeout); }
    [[nodiscard]] Call call(std::stop_token stop, Time within) {
        return {std::chrono::steady_clock::now() + within, std::move(stop), log_};
    }

private:
    [[nodiscard]] SettingsNode block_of(const std::optional<SettingsNode>& changes, const std::string& key) const;

    std::filesystem::path plugin_;
    SuiteSettings settings_;
    const Workplace& workplace_;
    PluginHost host_{{}};
    KeptLog log_;
};

template <>
std::shared_ptr<Source> Subject::make(const SettingsNode& block);
template <>
std::shared_ptr<Target> Subject::make(const SettingsNode& block);
template <>
std::shared_ptr<Cache> Subject::make(const SettingsNode& block);
template <>
std::shared_ptr<Health> Subject::make(const SettingsNode& block);

/// Looks again and again, with growing pauses; false when `holds` does not within the time.
bool eventually(Subject::Time within, const std::function<bool()>& holds);

/// Throws CheckFailed when it takes longer than that.
void expect_within(Subject::Time bound, const std::string& doing, const std::function<void()>& work);

/// Does `work` for each number below `count` at the same time, and throws on what the first of them threw.
void side_by_side(std::size_t count, const std::function<void(std::size_t)>& work);

/// A token that is stopped a moment later, while `work` is at it.
void with_late_stop(const std::function<void(std::stop_token)>& work);

}  // namespace deployer::conformance
