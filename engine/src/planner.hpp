#pragma once

#include "actual.hpp"
#include "plan.hpp"
#include "wanted.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace deployer {

/// How many destroys one cycle may do (R24): a count, or a percentage of the actual units.
struct MaxDestroy {
    std::size_t amount = 50;
    bool percentage = true;
};

/// What a plan may contain.
struct PlanPolicy {
    bool destroy = false;
    MaxDestroy max_destroy;
    std::vector<std::string> protected_globs;  ///< fnmatch(3) patterns of unit names, besides the deployer's own
};

/// Compares unit by unit (R20–R24, R26). Pure: `plan`, `once` and `run` use this one function, so that a dry run cannot
/// differ from a real run.
Plan make_plan(const WantedState& wanted, const ActualState& actual, const PlanPolicy& policy);

/// Whether a unit is never touched (R23).
bool is_protected(const std::string& unit, const PlanPolicy& policy);

/// The options that differ, in order of appearance; runs of white space count as one space. Empty when only the order
/// of options differs.
std::vector<OptionDifference> differences_between(const std::vector<UnitOption>& from,
                                                  const std::vector<UnitOption>& to);

}  // namespace deployer
