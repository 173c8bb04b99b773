#include "rollout/node_wait.hpp"

#include <algorithm>
#include <utility>

namespace deployer {
namespace {

using std::chrono::milliseconds;

GateTools gate_tools(const RolloutTools& tools, Patience patience) {
    return {tools.target,
            patience == Patience::without_health ? nullptr : tools.health,
            tools.calls,
            tools.events,
            std::max<std::size_t>(1, tools.policy.stable_samples),
            tools.policy.timeout,
            tools.policy.placement_grace,
            tools.before_restart};
}

Gate make_gate(AwaitedNode node, Patience patience, const RolloutTools& tools) {
    if (patience == Patience::one_look) {
        return {std::move(node.service), std::move(node.units), std::move(node.companions), std::nullopt};
    }
    WaitStarts::Wait all{WaitStarts::Clock::now()};
    for (const auto& unit : node.units) {
        const auto wait = tools.starts.begin(unit.name, unit.content->digest);
        all = {std::min(all.since, wait.since), all.was_idle || wait.was_idle};
    }
    return {std::move(node.service), std::move(node.units), std::move(node.companions),
            all.since + tools.policy.timeout, all.was_idle};
}

}  // namespace

std::string WaitEnd::problem() const {
    return why_left.empty() ? error->what() : "was still being waited for: " + why_left;
}

NodeWait::NodeWait(AwaitedNode node, Patience patience, std::mutex& health_turn, const RunTools& tools)
    : service_(node.service),
      health_turn_(health_turn),
      tools_(tools),
      is_brief_(patience == Patience::one_look),
      gate_tools_(gate_tools(tools.rollout, patience)),
      gate_(make_gate(std::move(node), patience, tools.rollout)) {}

std::optional<milliseconds> NodeWait::look() {
    constexpr milliseconds soon{50};
    const auto poll = tools_.rollout.policy.poll;
    if (auto why = tools_.ending.why(); !why.empty()) {
        gate_.leave(gate_tools_);
        end_.why_left = std::move(why);
        return std::nullopt;
    }
    try {
        switch (gate_.look(gate_tools_, health_turn_)) {
            case Gate::Look::passed:
                return std::nullopt;
            case Gate::Look::again:
                return poll;
            case Gate::Look::busy:
                return std::min(soon, poll);
        }
    } catch (const Error& error) {
        end_.error = error;
        end_.is_verdict = is_about_unit(error) && gate_.judges_content();
        // A single look that fails must not end the rollouts of other services.
        const bool may_pass = is_brief_ && error.kind() == ErrorKind::unavailable;
        if (!may_pass && is_hopeless(error) && !tools_.ending.interrupt(error)) end_.why_left = tools_.ending.why();
    }
    return std::nullopt;
}

void NodeWait::forget_start() {
    for (const auto& unit : gate_.units()) tools_.rollout.starts.end(unit.name);
}

void NodeWait::note_no_verdict() {
    if (gate_.was_blind()) {
        forget_start();
        tools_.findings.add_shaken(service_);
    } else {
        for (const auto& unit : gate_.units()) tools_.rollout.starts.end_idle(unit.name);
    }
    if (gate_.is_unplaced()) tools_.findings.add_unplaced(gate_.unit());
}

void NodeWait::note_companion_down() {
    if (gate_.left_down()) tools_.findings.add_not_ready({*gate_.left_down()});
}

}  // namespace deployer
