#include <deployer/unit.hpp>

namespace deployer {

std::string_view to_string(DesiredState state) noexcept {
    switch (state) {
        case DesiredState::inactive:
            return "inactive";
        case DesiredState::loaded:
            return "loaded";
        case DesiredState::launched:
            return "launched";
    }
    return "launched";
}

std::optional<DesiredState> desired_state_from(std::string_view word) noexcept {
    for (const auto state : {DesiredState::inactive, DesiredState::loaded, DesiredState::launched}) {
        if (word == to_string(state)) return state;
    }
    return std::nullopt;
}

}  // namespace deployer
