#include "rollout/rollout.hpp"

#include "rollout/group_run.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

namespace deployer {
namespace {

std::size_t count_threads(const std::vector<RolloutGroup>& groups, const RolloutTools& tools) {
    const auto most = tools.target.serial() ? 1 : std::max<std::size_t>(1, tools.policy.parallelism);
    std::size_t useful = groups.size();
    for (const auto& group : groups) useful += group.steps.size();
    return std::min(most, useful);
}

}  // namespace

Rollout::Rollout(RolloutTools tools, std::vector<ChangeResult>& results)
    : tools_(std::move(tools)), results_(results) {}

RolloutEnd Rollout::run(const std::vector<RolloutGroup>& groups, const std::function<void(std::stop_token)>& attend) {
    TaskQueue queue;
    Ending ending(tools_.calls.stop, supersession_, [&queue] { queue.hurry(); });
    FindingsList findings;
    std::mutex booking;
    const auto book = [&](const GroupOutcome& outcome) {
        const std::lock_guard lock(booking);
        tools_.book(outcome);
    };
    const RunTools tools{tools_, results_, ending, findings, queue, book};

    std::map<std::string, std::mutex> health_turns;
    std::deque<GroupRun> runs;
    for (const auto& group : groups) runs.emplace_back(group, health_turns[group.service], tools).start();
    queue.run(count_threads(groups, tools_), attend);

    RolloutEnd end{ending.error(), {}, findings.take(), ending.is_superseded()};
    for (const auto& run : runs) {
        auto outcome = run.outcome();
        if (!outcome) continue;
        tools_.events.publish(GroupEnded{*outcome});
        end.groups.push_back(*std::move(outcome));
    }
    return end;
}

}  // namespace deployer
