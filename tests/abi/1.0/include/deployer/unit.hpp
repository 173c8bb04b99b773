#pragma once

#include <deployer/export.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
namespace deployer {
struct UnitOption {
    std::string section;
    std::string name;
    std::string value;
    bool operator==(const UnitOption&) const = default;
};
enum class DesiredState { inactive, loaded, launched };
DEPLOYER_SDK_EXPORT std::string_view to_string(DesiredState state) noexcept;
DEPLOYER_SDK_EXPORT std::optional<DesiredState> desired_state_from(std::string_view word) noexcept;
struct Unit {
    std::string name;
    std::vector<UnitOption> options;
    DesiredState desired_state = DesiredState::launched;
    bool operator==(const Unit&) const = default;
};
struct ActualUnit {
    Unit unit;
    std::string current_state;
};
enum class Readiness {
    waiting,
    ready,
    failed,
    absent,
    unplaced,
};
struct UnitStatus {
    Readiness readiness = Readiness::waiting;
    std::string detail;
};
}  // namespace deployer
