#pragma once

#include <deployer/export.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace deployer {

/// One check of the suite, and how it ended.
struct CheckResult {
    enum class Verdict {
        passed,
        failed,
        skipped,  ///< plugin or settings lack what the check needs
    };
    std::string name;  ///< the statement checked: "applying again what is there changes nothing"
    Verdict verdict = Verdict::passed;
    std::string detail;  ///< why the check failed or was skipped; one line
};

/// All checks that a plugin has to pass (R7): those for every plugin, and those for the contract of its kind in the
/// SDK's headers. To be used in a test of the plugin; `coco-fleet-deployer plugin check` runs the same checks.
///
/// The file of settings says how to create the plugin (docs/PLUGINS.md has every key):
///
///     settings: {path: "{tmp}/units"}        # the plugin's block of a configuration
///     prepare: mkdir units                   # run by a shell in {tmp}, before the first check
///     unreachable: {path: /nonexistent}      # changes to `settings` that make the server unreachable
///
/// The checks of a target create units called `conformance-…` and destroy them; other units are left alone. After a
/// failed check, the others still run. A plugin that crashes or never returns takes the test's process down; the
/// command runs checks in separate processes, which a test cannot. One thread.
class DEPLOYER_SDK_EXPORT ConformanceSuite {
public:
    /// Throws Error `misconfigured` when the file of settings is unusable, or its `prepare` fails. If the plugin cannot
    /// be loaded, the first check fails, and is the only one.
    ConformanceSuite(const std::filesystem::path& plugin, const std::filesystem::path& settings_file);
    ~ConformanceSuite();
    ConformanceSuite(const ConformanceSuite&) = delete;
    ConformanceSuite& operator=(const ConformanceSuite&) = delete;
    ConformanceSuite(ConformanceSuite&&) noexcept;
    ConformanceSuite& operator=(ConformanceSuite&&) noexcept;

    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] const std::string& name(std::size_t check) const;

    /// Runs a check. Checks can be run in any order, alone and repeatedly. Exceptions of the plugin are not passed on.
    [[nodiscard]] CheckResult run(std::size_t check);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace deployer
