#pragma once

#include <deployer/unit.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer {

/// One valid entry of services.yaml (R10).
struct ServiceDefinition {
    std::string name;                     ///< a unit name, plain or template
    std::optional<std::string> version;   ///< as written
    std::optional<int> count;             ///< present exactly for templates, after validation (R14)
    std::string location;                 ///< of the service file: `uri`, else `name` (R11)
    DesiredState desired_state = DesiredState::launched;
    bool sequential = false;
    int line = 0;
};

/// An entry, or a service file, that cannot be used. Its whole service group is held (R17).
struct Held {
    std::string service;  ///< service name; empty when the entry does not even tell a name
    std::string error;    ///< finished message with file and line
    /// Reading the same revision again may give another answer (an absolute uri that could not be fetched).
    bool passing = false;

    bool operator==(const Held&) const = default;
};

/// services.yaml, read: every entry is either a definition or held.
struct Manifest {
    std::vector<ServiceDefinition> services;  ///< in order of the file, each name once (R15)
    std::vector<Held> held;
    std::vector<std::string> warnings;  ///< finished messages: names listed twice, unknown keys
};

/// Reads services.yaml (R10, R14, R15). Throws Error `rejected` for what makes the whole file unusable (R17): not valid
/// YAML, several documents, `services` missing, not a list, or empty. A single bad entry is held instead. Entries are
/// bounded: a count of at most 10,000, and 100,000 units in all.
Manifest read_manifest(std::string_view text, const std::string& file = "services.yaml");

}  // namespace deployer
