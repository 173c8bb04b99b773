#pragma once

#include <deployer/unit.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// What happens when a node does not become ready in time, or never will (R43).
enum class OnTimeout {
    halt,      ///< the nodes not begun stay as they are
    go_on,     ///< `continue`: they are changed all the same
    rollback,  ///< the nodes changed are put back to what they were
};

/// How the group of a service is rolled out.
struct RolloutRules {
    bool sequential = false;                     ///< node by node (R41)
    bool canary = false;                         ///< the first node has to be ready before the others begin
    std::optional<OnTimeout> on_timeout;         ///< absent: as the configuration has it
    std::optional<std::size_t> max_unavailable;  ///< of a sequential group; absent: as the configuration has it

    /// Whether something of it is waited for.
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
    std::string service;  ///< service name; empty when the entry tells none, and so may mean any service
    std::string error;    ///< finished message with file and line
    /// Reading the same revision again may give another answer (what an absolute uri gives is no part of it).
    bool passing = false;

    bool operator==(const Held&) const = default;
};

/// services.yaml, read: every entry is either a definition or held.
struct Manifest {
    std::vector<ServiceDefinition> services;  ///< in order of the file, each name once (R15)
    std::vector<Held> held;
    std::vector<std::string> warnings;   ///< finished messages: names listed twice, and their problems; unknown keys
    std::string file = "services.yaml";  ///< as messages name it
};

/// Reads services.yaml (R10, R14, R15). Throws Error `rejected` for what makes the whole file unusable (R17): not valid
/// YAML, several documents, `services` missing, not a list, or empty, more than 100,000 units in all. A single bad
/// entry is held instead, each of its problems by itself:
/// - an entry whose `name` is missing or no text is held under no service. So is one with an invalid unit name, unless
///   that tells the service by `-sidekick`, `@`, or a suffix that was meant as a unit type;
/// - an empty `version`, `uri` or `desiredState` counts as absent; white space, quotes, backslashes and control
///   characters in a version are refused, since they would change other lines of the service file than its own;
/// - a `count` is a whole number up to 10,000, not in quotes;
/// - a `uri` with a scheme has http or https. Whether a relative one stays below the root, the source says.
/// An entry whose name is listed again further down does not count: what is wrong with it is a warning. So are unknown
/// keys: entries of other tools' making stay usable.
///
/// Of a file that was cut short, only what is cut within a key or within a value that must be whole can be told (a name
/// without its suffix, a template without count, broken YAML). Cut elsewhere it is a shorter list, a shorter entry or a
/// shorter number like any other, which is why a source gives complete files only, and R24 stops mass destruction.
Manifest read_manifest(std::string_view text, const std::string& file = "services.yaml");

}  // namespace deployer
