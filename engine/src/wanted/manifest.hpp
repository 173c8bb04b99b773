#pragma once

#include <deployer/unit.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// The reaction to a node that does not become ready in time, or never will (R43).
enum class OnTimeout {
    halt,      ///< nodes that were not begun stay as they are
    go_on,     ///< `continue`: nodes that were not begun are changed all the same
    rollback,  ///< nodes that were changed are put back to what they were
};

/// How the group of a service is rolled out.
struct RolloutRules {
    bool sequential = false;                     ///< node by node (R41)
    bool canary = false;                         ///< the first node has to be ready before the others begin
    std::optional<OnTimeout> on_timeout;         ///< absent: the configuration decides
    std::optional<std::size_t> max_unavailable;  ///< of a sequential group; absent: the configuration decides

    /// Whether the rollout of the group has gates.
    [[nodiscard]] bool gated() const noexcept { return sequential || canary; }
    bool operator==(const RolloutRules&) const = default;
};

/// One valid entry of services.yaml (R10).
struct ServiceDefinition {
    std::string name;                    ///< a unit name, plain or template
    std::optional<std::string> version;  ///< as written
    std::optional<int> count;            ///< present exactly for templates, after validation (R14)
    std::string location;                ///< of the service file: `uri`, else `name` (R11)
    DesiredState desired_state = DesiredState::launched;
    RolloutRules rules;
    int line = 0;
};

/// An entry, or a service file, that cannot be used. Its whole service group is held (R17).
struct Held {
    std::string service;  ///< service name; empty when unknown, so that any service may be meant
    std::string error;    ///< finished message with file and line
    /// Whether reading the same revision again may succeed: an absolute uri's content is not part of the revision.
    bool passing = false;
    /// Whether the problem is in services.yaml itself. The file may then list more than was read, so nothing is
    /// destroyed.
    bool list_in_doubt = false;

    /// Whether the wanted state of the service `name` is unknown because of this problem.
    [[nodiscard]] bool may_mean(std::string_view name) const { return list_in_doubt || service == name; }

    bool operator==(const Held&) const = default;
};

/// services.yaml, read: every entry is either a definition or held.
struct Manifest {
    std::vector<ServiceDefinition> services;  ///< in order of the file, each name once (R15)
    std::vector<Held> held;
    std::vector<std::string> warnings;   ///< finished messages: names listed twice; unknown keys
    std::string file = "services.yaml";  ///< the file's name in messages
};

/// Reads services.yaml (R10, R14, R15). Throws Error `rejected` when the whole file is unusable (R17): not valid
/// YAML, several documents, `services` missing, not a list, or empty, more than 100,000 units in all. A single bad
/// entry is held instead, each of its problems by itself:
/// - an entry whose `name` is missing or no text is held under no service. So is an entry with an invalid unit name,
///   unless `-sidekick`, `@` or a mistyped unit type in the name identifies the service;
/// - an empty `version`, `uri` or `desiredState` counts as absent; white space, quotes, backslashes and control
///   characters in a version are refused, since they would change other lines of the service file than its own;
/// - a `count` is a whole number up to 10,000, not in quotes;
/// - a `uri` with a scheme has http or https. The source checks that a relative uri stays below its root;
/// - a key that resembles one of ours is taken for a typing error. Other unknown keys are warnings, so that entries
/// which
///   other tools write stay usable.
/// An entry whose name is listed again further down does not count: its problems are held under no service.
///
/// A slip of the hand that moves text out of an entry, or joins two entries, often leaves valid YAML. So the list is in
/// doubt (Held::list_in_doubt) when an entry cannot be used, and also for three signs: a key beside `services`, a value
/// that goes on in further lines, and a `name: UNIT` anywhere in the file that begins no entry and was not commented
/// out. A sign is held under the service that it names, else under no service.
///
/// A file that was cut short is noticed only if the cut is within a key or a value that must be whole (a name without
/// its suffix, a template without count, broken YAML). Cut elsewhere, the file looks like any shorter list. That is why
/// a source must give complete files only, and why R24 stops mass destruction.
Manifest read_manifest(std::string_view text, const std::string& file = "services.yaml");

}  // namespace deployer
