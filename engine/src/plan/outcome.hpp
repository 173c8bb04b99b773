#pragma once

#include <optional>
#include <string_view>

namespace deployer {

/// How a service group or a whole cycle ended, from best to worst. A cycle ends as its worst part did.
enum class Outcome {
    in_sync,      ///< nothing to do
    applied,      ///< every change is done
    paused,       ///< a person paused the service, or all services
    held,         ///< the service definition or a service file cannot be used (R17)
    degraded,     ///< a change failed, was skipped or stopped, or a unit is not ready; tried again
    quarantined,  ///< an earlier rollout of this content ended badly; the content is not tried again (R43)
    superseded,   ///< a newer revision came before the rollout was through (R44)
    rolled_back,  ///< a node did not become ready; the changes were undone (R43)
    halted,       ///< a node did not become ready; the other changes were not begun (R43)
    failed,       ///< the cycle ended early with an error
};

/// "in_sync", "rolled_back", …; for logs and JSON.
std::string_view to_string(Outcome outcome) noexcept;

/// The outcome of that name; nullopt when there is none.
std::optional<Outcome> outcome_from(std::string_view name) noexcept;

/// The exit status of `once`: 0 for in_sync and applied, 1 for failed, and a separate number for each other outcome
/// (docs/COMMANDS.md).
int exit_status(Outcome outcome) noexcept;

}  // namespace deployer
