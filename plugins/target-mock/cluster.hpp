#pragma once

#include "moment.hpp"

#include <deployer/unit.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployer::mock {

/// A state that a unit will reach at a later time.
struct Pending {
    std::string state;
    Moment at;

    bool operator==(const Pending&) const = default;
};

/// A unit of the simulated cluster. Without `pending` it stays in its current state.
struct SimulatedUnit {
    Unit unit;
    std::string current_state;
    std::optional<Pending> pending;

    bool operator==(const SimulatedUnit&) const = default;
};

/// A unit with its text in the state file, made once for each version of it. Immutable and shared.
struct Record {
    SimulatedUnit simulated;
    std::string text;
};

/// The units of a cluster by name, in numeric order. Cheap to copy: copies share the records.
class Cluster {
public:
    /// Null when absent; valid until the next change.
    [[nodiscard]] const SimulatedUnit* find(std::string_view name) const;
    void put(SimulatedUnit unit);
    /// False when absent.
    bool erase(std::string_view name);
    [[nodiscard]] const std::vector<std::shared_ptr<const Record>>& records() const noexcept { return records_; }

private:
    std::vector<std::shared_ptr<const Record>> records_;
};

}  // namespace deployer::mock
