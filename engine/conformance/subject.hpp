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

/// Keeps the last log lines, which may say why a check failed.
class KeptLog final : public Log {
public:
    void write(LogLevel level, std::string_view message) noexcept override;
    [[nodiscard]] std::vector<std::string> take();

private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

/// The plugin that is checked, with functions to create and call instances. Instances are created on one thread; calls
/// may come from several.
class Subject {
public:
    using Time = std::chrono::milliseconds;
    /// The time limit of calls that get no answer.
    static constexpr Time short_time{200};
    /// How long a call may last after its deadline, and after a stop request. The engine allows as much.
    static constexpr Time late_bound{2'000};
    static constexpr Time stop_bound{1'500};

    Subject(std::filesystem::path plugin, SuiteSettings settings, const Workplace& workplace);

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return plugin_; }
    [[nodiscard]] const SuiteSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] const Workplace& workplace() const noexcept { return workplace_; }
    [[nodiscard]] KeptLog& log() noexcept { return log_; }
    /// Loads the plugin and returns what the host found.
    [[nodiscard]] FoundPlugin judge() { return host_.judge(plugin_); }

    /// An instance with a block of settings, and one with the working settings. Throws what the plugin throws.
    template <class Interface>
    std::shared_ptr<Interface> make(const SettingsNode& block);
    template <class Interface>
    std::shared_ptr<Interface> make() {
        return make<Interface>(settings_.settings);
    }

    /// An instance of any kind. The pointer's deleter knows the kind.
    std::shared_ptr<void> make_any(PluginKind kind, const Settings& settings);
    std::shared_ptr<void> make_any(PluginKind kind, const SettingsNode& block) {
        return make_any(kind, settings_of(settings_, block));
    }

    /// Instances whose server is out of reach, is another one, or is at the given port. Throw CheckSkipped when the
    /// settings do not say how to create them.
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

/// Calls `holds` again and again, with growing pauses. False when it does not become true within the time.
bool eventually(Subject::Time within, const std::function<bool()>& holds);

/// Throws CheckFailed when `work` takes longer than `bound`.
void expect_within(Subject::Time bound, const std::string& doing, const std::function<void()>& work);

/// Calls `work` at the same time for each number below `count`. Rethrows the first exception by number.
void side_by_side(std::size_t count, const std::function<void(std::size_t)>& work);

/// Calls `work` with a token that is stopped a moment later.
void with_late_stop(const std::function<void(std::stop_token)>& work);

}  // namespace deployer::conformance
