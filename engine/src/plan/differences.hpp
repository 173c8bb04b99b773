#pragma once

#include "host/redaction.hpp"
#include "plan/plan.hpp"

#include <deployer/unit.hpp>

#include <string>
#include <vector>

namespace deployer {

/// The options that differ, in order of appearance; runs of white space count as one space. Empty when only the order
/// of options differs.
std::vector<OptionDifference> differences_between(const std::vector<UnitOption>& from,
                                                  const std::vector<UnitOption>& to);

/// Takes the values that nobody may see out of a difference, and notes the names of the variables that changed (R59).
void hide_secrets(OptionDifference& difference, const Redaction& redaction);

/// The reason for an update, for people, in one line (R26): the first few options that differ, and the desired state
/// where that changes as well. Secrets have to be out of the differences by then.
std::string describe_update(const Change& update);

}  // namespace deployer
