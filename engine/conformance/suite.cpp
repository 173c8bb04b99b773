#include "conformance/suite.hpp"

#include "conformance/expectation.hpp"

#include <deployer/foreign_text.hpp>

#include <exception>
#include <utility>

namespace deployer {
namespace conformance {
namespace {

using Verdict = CheckResult::Verdict;

std::vector<Check> checks_of(PluginKind kind) {
    switch (kind) {
        case PluginKind::source:
            return checks_of_sources();
        case PluginKind::target:
            return checks_of_targets();
        case PluginKind::cache:
            return checks_of_caches();
        case PluginKind::health:
            return checks_of_health();
    }
    return {};
}

/// Adds the plugin's log lines to the detail of a check, since they may say why the check failed.
std::string with_log(std::string detail, const std::vector<std::string>& lines) {
    for (const auto& line : lines) detail += "; it logged: " + line;
    return printable(detail);
}

}  // namespace

Suite::Suite(const std::filesystem::path& plugin, const std::filesystem::path& settings_file,
             const Workplace& workplace)
    : subject_(std::filesystem::absolute(plugin), read_suite_settings(settings_file, workplace.path()), workplace),
      checks_{check_of_loading()} {
    const auto found = subject_.judge();
    if (!found.refusal.empty()) return;
    kind_ = *found.kind;
    for (auto* make : {&checks_of_plugins, &checks_of}) {
        auto checks = make(kind_);
        checks_.insert(checks_.end(), std::make_move_iterator(checks.begin()), std::make_move_iterator(checks.end()));
    }
}

CheckResult Suite::run(std::size_t index) {
    const auto& check = checks_.at(index);
    (void)subject_.log().take();
    try {
        if (check.needs_instance && !makes_instances()) throw CheckSkipped("no instance can be made with the settings");
        check.run(subject_);
        return {check.name, Verdict::passed, {}};
    } catch (const CheckSkipped& skipped) {
        return {check.name, Verdict::skipped, skipped.what()};
    } catch (const CheckFailed& failed) {
        return {check.name, Verdict::failed, with_log(failed.what(), subject_.log().take())};
    } catch (const Error& error) {
        // The check relies on something that another check is about, above all on creating an instance.
        return {check.name, Verdict::failed, with_log(std::string(to_string(error.kind())) + ": " + error.what(), {})};
    } catch (const std::exception& exception) {
        return {check.name, Verdict::failed, with_log(std::string("it threw ") + exception.what(), {})};
    } catch (...) {
        return {check.name, Verdict::failed, "it threw something that is no exception"};
    }
}

bool Suite::makes_instances() {
    if (!makes_instances_)
        makes_instances_ = !error_of([&] { subject_.make_any(kind_, subject_.settings().settings); });
    return *makes_instances_;
}

void prepare(const std::filesystem::path& settings_file, const Workplace& workplace,
             const std::function<bool()>& is_stopped) {
    const auto settings = read_suite_settings(settings_file, workplace.path());
    if (settings.prepare) workplace.run("prepare", *settings.prepare, is_stopped);
}

std::chrono::milliseconds longest_check(const SuiteSettings& settings) {
    return 4 * settings.timeout + 20 * settings.call_timeout;
}

}  // namespace conformance

struct ConformanceSuite::Impl {
    conformance::Workplace workplace{};
    std::unique_ptr<conformance::Suite> suite{};
};

ConformanceSuite::ConformanceSuite(const std::filesystem::path& plugin, const std::filesystem::path& settings_file)
    : impl_(std::make_unique<Impl>()) {
    conformance::prepare(settings_file, impl_->workplace, [] { return false; });
    impl_->suite = std::make_unique<conformance::Suite>(plugin, settings_file, impl_->workplace);
}

ConformanceSuite::~ConformanceSuite() = default;
ConformanceSuite::ConformanceSuite(ConformanceSuite&&) noexcept = default;
ConformanceSuite& ConformanceSuite::operator=(ConformanceSuite&&) noexcept = default;

std::size_t ConformanceSuite::size() const noexcept {
    return impl_->suite->checks().size();
}

const std::string& ConformanceSuite::name(std::size_t check) const {
    return impl_->suite->checks().at(check).name;
}

CheckResult ConformanceSuite::run(std::size_t check) {
    return impl_->suite->run(check);
}

}  // namespace deployer
