#include "rollout/absence_check.hpp"

#include <algorithm>

namespace deployer {

std::optional<std::chrono::milliseconds> AbsenceCheck::look() {
    if (tools_.ending.is_requested()) return std::nullopt;
    const auto& policy = tools_.rollout.policy;
    try {
        const auto status = tools_.rollout.target.status(as_unit(first_), tools_.rollout.calls.make());
        if (status.readiness == Readiness::absent) return std::nullopt;
        if (++looks_ < std::max<std::size_t>(1, policy.stable_samples)) return policy.poll;
        is_there_ = true;
        obstacle_ = first_.name + " is there (" + status.detail + "), although the listing of the cluster lacks it";
    } catch (const Error& error) {
        if (!tools_.ending.interrupt_if_hopeless(error)) obstacle_ = first_.name + ": " + error.what();
    }
    return std::nullopt;
}

}  // namespace deployer
