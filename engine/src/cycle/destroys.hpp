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

// Destroys come last, and only if all else went well (R25). A destroy that does not happen is `skipped`, with the
// reason, and told to `events`.

/// Skips all destroys that are still planned.
void skip_destroys(CycleReport& report, const std::string& why, EventStream& events);

/// Skips the destroys that a unit stands in the way of which an earlier cycle changed and which is not ready. A
/// `surplus` unit stands only in the way of destroys of its own service.
void keep_back_destroys(CycleReport& report, const std::set<std::string>& surplus, EventStream& events);

/// What carrying out destroys needs. All of it must outlive that.
struct DestroyTools {
    const WantedState& wanted;  ///< that the plan was made from
    Source& source;
    Rollout& rollout;  ///< that made the other changes of the report
    EventStream& events;
    const Calls& calls;
};

/// Carries out the destroys that are still planned, nodes before services, if all other changes ended well. Reads the
/// wanted state a second time before that: a unit that is wanted again is disputed and stays. Returns why the cycle
/// ends early, if it does; then nothing that is not yet destroyed is.
std::optional<Error> carry_out_destroys(const Plan& plan, const std::set<std::string>& surplus, CycleReport& report,
                                        const DestroyTools& tools);

}  // namespace deployer
