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
        skipped,  ///< The plugin, or the file of settings, gives nothing to check it with.
    };
    std::string name;  ///< what holds where it passed: "applying again what is there changes nothing"
    Verdict verdict = Verdict::passed;
    std::string detail;  ///< why it failed or was skipped; one line
};

/// Every check that a plugin has to pass (R7): those that hold for all plugins, and the contract of its kind, as the
/// SDK's headers have it. For a test of a plugin's own; `coco-fleet-deployer plugin check` runs the same.
///
/// The file of settings says what to make the plugin with (docs/PLUGINS.md has every key):
///
///     settings: {path: "{tmp}/units"}        # the plugin's block of a configuration
///     prepare: mkdir units                   # run by a shell in {tmp}, before all else
///     unreachable: {path: /nonexistent}      # what to change in it so that the other side is out of reach
///
/// The checks of a target make units called `conformance-…` and destroy them; other units are left alone. A check of
/// its own may fail and leave the others to run; one that never returns or crashes takes the process along: the command
/// keeps itself apart from that, a test cannot. Used by one thread.
class DEPLOYER_SDK_EXPORT ConformanceSuite {
public:
    /// Throws Error `misconfigured` when the file of settings makes no sense, or its `prepare` fails. A plugin that
    /// cannot be loaded shows in the first check, which is then the only one.
    ConformanceSuite(const std::filesystem::path& plugin, const std::filesystem::path& settings_file);
    ~ConformanceSuite();
    ConformanceSuite(const ConformanceSuite&) = delete;
    ConformanceSuite& operator=(const ConformanceSuite&) = delete;
    ConformanceSuite(ConformanceSuite&&) noexcept;
    ConformanceSuite& operator=(ConformanceSuite&&) noexcept;

    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] const std::string& name(std::size_t check) const;

    /// Each can be run alone, in any order, and again. Never throws what the plugin throws.
    [[nodiscard]] CheckResult run(std::size_t check);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace deployer
