#include "conformance/subject.hpp"

#include "conformance/expectation.hpp"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

namespace deployer::conformance {
namespace {

constexpr std::size_t kept_lines = 3;

}  // namespace

void KeptLog::write(LogLevel level, std::string_view message) noexcept try {
    const std::scoped_lock lock(mutex_);
    if (level == LogLevel::debug) return;
    if (lines_.size() == kept_lines) lines_.erase(lines_.begin());
    lines_.emplace_back(message);
} catch (...) {
    // The line is lost.
}

std::vector<std::string> KeptLog::take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(lines_, {});
}

Subject::Subject(std::filesystem::path plugin, SuiteSettings settings, const Workplace& workplace)
    : plugin_(std::move(plugin)), settings_(std::move(settings)), workplace_(workplace) {}

template <>
std::shared_ptr<Source> Subject::make(const SettingsNode& block) {
    return host_.create_source(plugin_.string(), settings_of(settings_, block));
}

template <>
std::shared_ptr<Target> Subject::make(const SettingsNode& block) {
    return host_.create_target(plugin_.string(), settings_of(settings_, block));
}

template <>
std::shared_ptr<Cache> Subject::make(const SettingsNode& block) {
    return host_.create_cache(plugin_.string(), settings_of(settings_, block));
}

template <>
std::shared_ptr<Health> Subject::make(const SettingsNode& block) {
    return host_.create_health(plugin_.string(), settings_of(settings_, block));
}

std::shared_ptr<void> Subject::make_any(PluginKind kind, const Settings& settings) {
    switch (kind) {
        case PluginKind::source:
            return host_.create_source(plugin_.string(), settings);
        case PluginKind::target:
            return host_.create_target(plugin_.string(), settings);
        case PluginKind::cache:
            return host_.create_cache(plugin_.string(), settings);
        case PluginKind::health:
            return host_.create_health(plugin_.string(), settings);
    }
    throw CheckSkipped("the suite knows no plugins of this kind");
}

SettingsNode Subject::block_of(const std::optional<SettingsNode>& changes, const std::string& key) const {
    if (!changes) throw CheckSkipped("the settings have no " + key);
    return changed(settings_.settings, *changes);
}

bool eventually(Subject::Time within, const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    auto pause = Subject::Time(5);
    while (!holds()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, Subject::Time(500));
    }
    return true;
}

void expect_within(Subject::Time bound, const std::string& doing, const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const auto time = std::chrono::duration_cast<Subject::Time>(std::chrono::steady_clock::now() - begin);
    expect(time <= bound, doing + " took " + std::to_string(time.count()) + " ms to end");
}

void side_by_side(std::size_t count, const std::function<void(std::size_t)>& work) {
    std::vector<std::exception_ptr> failures(count);
    std::vector<std::jthread> threads;
    threads.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
            try {
                work(i);
            } catch (...) {
                failures[i] = std::current_exception();
            }
        });
    }
    threads.clear();
    for (const auto& failure : failures) {
        if (failure) std::rethrow_exception(failure);
    }
}

void with_late_stop(const std::function<void(std::stop_token)>& work) {
    std::stop_source stop;
    const std::jthread later([&] {
        std::this_thread::sleep_for(Subject::Time(100));
        stop.request_stop();
    });
    work(stop.get_token());
}

}  // namespace deployer::conformance
