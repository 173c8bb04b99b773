#pragma once

#include "events/events.hpp"
#include "events/report.hpp"
#include "host/calls.hpp"
#include "plan/plan.hpp"
#include "rollout/rollout.hpp"
#include "wanted/wanted.hpp"

#include <deployer/error.hpp>
#include <deployer/source.hpp>

#include <optional>
#include <set>
#include <string>

namespace deployer {

// Destroys come last, and only if all other changes went well (R25). A destroy that is not carried out becomes
// `skipped`, with the reason, and is published to `events`.

/// Skips all destroys that are still planned.
void skip_destroys(CycleReport& report, const std::string& why, EventStream& events);

/// Skips destroys if a unit that an earlier cycle changed is not ready. Such a unit stops all destroys, because it may
/// be the new name of a unit that would be destroyed. A `surplus` unit stops only destroys of its own service.
void keep_back_destroys(CycleReport& report, const std::set<std::string>& surplus, EventStream& events);

/// The tools of carry_out_destroys(). The objects must outlive the call.
struct DestroyTools {
    const WantedState& wanted;  ///< the state that the plan was made from
    Source& source;
    Rollout& rollout;  ///< the rollout that made the other changes of the report
    EventStream& events;
    const Calls& calls;
};

/// Carries out the destroys that are still planned, nodes before services, if all other changes ended well. First reads
/// the wanted state a second time: a unit that is wanted again is disputed and stays. Returns the error that ends the
/// cycle early, if any; no further unit is destroyed then.
std::optional<Error> carry_out_destroys(const Plan& plan, const std::set<std::string>& surplus, CycleReport& report,
                                        const DestroyTools& tools);

}  // namespace deployer
