#pragma once

#include <optional>
#include <string_view>

namespace deployer {

/// How something ended: one group of units, or a whole cycle, which ends as the worst of its parts. From best to worst.
enum class Outcome {
    in_sync,      ///< nothing to do
    applied,      ///< everything that was to do is done
    paused,       ///< somebody asked to leave it alone
    held,         ///< its definition or a service file cannot be used (R17)
    degraded,     ///< something failed, was skipped or stopped, or is not ready; it is tried again
    quarantined,  ///< an earlier rollout of this content ended badly: it is not tried again (R43)
    superseded,   ///< a newer revision came before it was through (R44)
    rolled_back,  ///< it did not become ready; what had been changed is as it was before (R43)
    halted,       ///< it did not become ready; what had not been changed stays as it was (R43)
    failed,       ///< the cycle ended early with an error
};

/// "in_sync", "rolled_back", …; for logs and JSON.
std::string_view to_string(Outcome outcome) noexcept;

/// The outcome of that name; nullopt when there is none.
std::optional<Outcome> outcome_from(std::string_view name) noexcept;

/// The exit status of `once`: 0 for in_sync and applied, 1 for failed, and a number of its own for each other one
/// (docs/COMMANDS.md).
int exit_status(Outcome outcome) noexcept;

}  // namespace deployer
