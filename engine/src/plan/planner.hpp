#pragma once

#include "actual/actual.hpp"
#include "plan/plan.hpp"
#include "plan/plan_inputs.hpp"
#include "wanted/wanted.hpp"

namespace deployer {

/// Compares unit by unit (R20–R24, R26). Pure: `plan`, `once` and `run` use this one function, so that a dry run cannot
/// differ from a real run.
Plan make_plan(const WantedState& wanted, const ActualState& actual, const PlanPolicy& policy,
               const StandingOrders& orders = {});

}  // namespace deployer
