#include "plan/outcome.hpp"

namespace deployer {

std::string_view to_string(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::in_sync:
            return "in_sync";
        case Outcome::applied:
            return "applied";
        case Outcome::paused:
            return "paused";
        case Outcome::held:
            return "held";
        case Outcome::degraded:
            return "degraded";
        case Outcome::quarantined:
            return "quarantined";
        case Outcome::superseded:
            return "superseded";
        case Outcome::rolled_back:
            return "rolled_back";
        case Outcome::halted:
            return "halted";
        case Outcome::failed:
            return "failed";
    }
    return "failed";
}

std::optional<Outcome> outcome_from(std::string_view name) noexcept {
    for (auto value = static_cast<int>(Outcome::in_sync); value <= static_cast<int>(Outcome::failed); ++value) {
        const auto outcome = static_cast<Outcome>(value);
        if (to_string(outcome) == name) return outcome;
    }
    return std::nullopt;
}

int exit_status(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::in_sync:
        case Outcome::applied:
            return 0;
        case Outcome::failed:
            return 1;
        case Outcome::degraded:
            return 3;
        case Outcome::halted:
            return 4;
        case Outcome::rolled_back:
            return 5;
        case Outcome::quarantined:
            return 6;
        case Outcome::held:
            return 7;
        case Outcome::superseded:
            return 8;
        case Outcome::paused:
            return 9;
    }
    return 1;
}

}  // namespace deployer
