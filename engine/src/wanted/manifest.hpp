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
    std::string service;  ///< service name; empty when none is told, and so any service may be meant
    std::string error;    ///< finished message with file and line
    /// Reading the same revision again may give another answer (what an absolute uri gives is no part of it).
    bool passing = false;
    /// It is of services.yaml itself, which so may list more than was read: nothing is destroyed.
    bool list_in_doubt = false;

    /// Whether what is to be of that service is not known.
    [[nodiscard]] bool may_mean(std::string_view name) const { return list_in_doubt || service == name; }

    bool operator==(const Held&) const = default;
};

/// services.yaml, read: every entry is either a definition or held.
struct Manifest {
    std::vector<ServiceDefinition> services;  ///< in order of the file, each name once (R15)
    std::vector<Held> held;
    std::vector<std::string> warnings;   ///< finished messages: names listed twice; unknown keys
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
/// - a `uri` with a scheme has http or https. Whether a relative one stays below the root, the source says;
/// - a key that is nearly one of ours was meant to be it. Other unknown keys are warnings: entries of other tools'
/// making
///   stay usable.
/// An entry whose name is listed again further down does not count: its problems are held under no service.
///
/// Text that slips out of its entry, or takes its neighbour in, is often valid YAML still. So the list is in doubt, and
/// every Held says so, when an entry cannot be used, and also for these, which are held under no service or under the
/// one they name: a key beside `services`, a value that goes on in further lines, and a `name: UNIT` anywhere in the
/// text of the file that no entry begins with and that was not commented out.
///
/// Of a file that was cut short, only what is cut within a key or within a value that must be whole can be told (a name
/// without its suffix, a template without count, broken YAML). Cut elsewhere it is a shorter list, a shorter entry or a
/// shorter number like any other, which is why a source gives complete files only, and R24 stops mass destruction.
Manifest read_manifest(std::string_view text, const std::string& file = "services.yaml");

}  // namespace deployer
