#pragma once

#include "fleet_json.hpp"

#include <deployer/unit.hpp>

#include <span>

namespace deployer::fleet {

/// The judgement on a unit from the machines' reports, and the question that they leave open. Only fleet's own record
/// of the unit answers that question.
struct Verdict {
    enum class Question {
        none,
        where_is_it,   ///< No machine reports the unit.
        has_it_run,    ///< The unit has ended as it should, or has not begun yet.
        did_it_begin,  ///< The unit failed; or the former version failed, and this one has not begun.
    };
    UnitStatus status;  ///< the answer, unless the open question changes it
    Question open = Question::none;
};

/// Judges a unit whose desired state is `loaded` or `launched` by the machines' reports: never `ready` while a machine
/// reports another version. For a global unit, a machine without a report may still run the old version.
Verdict judge(const Unit& unit, std::span<const StateEntry> entries);
}  // namespace deployer::fleet
