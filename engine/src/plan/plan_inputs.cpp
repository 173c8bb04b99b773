#include "plan/plan_inputs.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace deployer {

bool is_protected(const std::string& unit, const PlanPolicy& policy) {
    if (unit == "deployer.service" || unit == "deployer.timer") return true;
    return std::any_of(policy.protected_globs.begin(), policy.protected_globs.end(),
                       [&](const auto& glob) { return fnmatch(glob.c_str(), unit.c_str(), 0) == 0; });
}

}  // namespace deployer
