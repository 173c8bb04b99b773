#pragma once

#include "fleet_json.hpp"

#include <deployer/unit.hpp>

#include <span>

namespace deployer::fleet {

/// What the machines' words say of a unit, and what they leave open, which only fleet's own record of the unit tells.
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

/// Judges a unit that is to be loaded or launched. Never `ready` while a machine has another version of it.
Verdict judge(const Unit& unit, std::span<const StateEntry> entries);

/// Runs once on each machine that is fit for it.
bool is_global(const Unit& unit);

}  // namespace deployer::fleet
