#pragma once

#include "fleet_json.hpp"

#include <deployer/unit.hpp>

#include <span>

namespace deployer::fleet {

/// The judgement on a unit from the machines' words, and the question that they leave open, which only fleet's own
/// record of the unit answers.
struct Verdict {
    enum class Question {
        none,
        where_is_it,   ///< No machine says anything of it.
        has_it_run,    ///< It has ended, as it should; or it has not begun.
        did_it_begin,  ///< It failed; or the former version did, and this one has not begun.
    };
    UnitStatus status;  ///< the answer, or what it is if the question does not settle otherwise
    Question open = Question::none;
};

/// Judges a unit that is to be loaded or launched, by what there is word of: never `ready` while a machine tells of
/// another version. Of a global unit some machines may say nothing for a while, and still run the old one.
Verdict judge(const Unit& unit, std::span<const StateEntry> entries);
}  // namespace deployer::fleet
