// A hundred sequential services of three nodes roll out at once with 8 calls at a time: each call takes 5 ms, each node
// 200 ms until it is ready, and the nodes of one service 3 s. Waiting is to keep no other service from going on.

#include "plan/planner.hpp"
#include "rollout/rollout.hpp"
#include "support/fake_target.hpp"
#include "support/recording_log.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <deployer/unit_name.hpp>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int services = 100;
constexpr int nodes = 3;
constexpr auto slow_service = "s-50";

SharedContent version(const std::string& name) {
    return make_content({{"Service", "ExecStart", "/bin/run " + name}});
}

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

int main() {
    FakeTarget target;
    WantedState wanted{{"r"}, {}, {}, {}, {}};
    ActualState actual;
    for (int service = 1; service <= services; ++service) {
        const auto name = "s-" + std::to_string(service);
        wanted.rules[name].sequential = true;
        for (int node = 1; node <= nodes; ++node) {
            const auto unit = name + '@' + std::to_string(node) + ".service";
            target.put({unit, version("old")->options, DesiredState::launched});
            actual.units.push_back({unit, version("old"), DesiredState::launched});
            wanted.units.push_back({unit, version("new"), DesiredState::launched});
        }
    }
    const auto by_name = [](const auto& left, const auto& right) { return numeric_less(left.name, right.name); };
    std::sort(actual.units.begin(), actual.units.end(), by_name);
    std::sort(wanted.units.begin(), wanted.units.end(), by_name);

    std::mutex mutex;
    std::map<std::string, Clock::time_point> applied;
    std::map<std::string, double> through;
    target.before = [&](const std::string& call) {
        std::this_thread::sleep_for(5ms);
        const std::scoped_lock lock(mutex);
        if (call.rfind("apply ", 0) == 0) applied[call.substr(6)] = Clock::now();
    };
    target.judge = [&](const Unit& unit, const UnitStatus& status) {
        const std::scoped_lock lock(mutex);
        const auto begun = applied.find(unit.name);
        if (begun == applied.end()) return status;
        const auto takes = service_name(unit.name) == slow_service ? 3s : 200ms;
        return Clock::now() - begun->second < takes ? UnitStatus{Readiness::waiting, "starting"} : status;
    };

    const auto plan = make_plan(wanted, actual, {});
    auto results = report_of(plan, wanted).changes;
    RolloutPolicy policy;
    policy.poll = 50ms;
    RecordingLog log;
    const Calls calls{{}, log, 10s};
    EventStream events;
    WaitStarts starts;
    const auto begin = Clock::now();
    events.subscribe([&](const Event& event) {
        const auto* const ended = std::get_if<ChangeEnded>(&event);
        if (ended == nullptr) return;
        const std::scoped_lock lock(mutex);
        through[ended->result.change.service] = seconds_since(begin);
    });
    Rollout rollout({target, nullptr, policy, calls, events, starts, [](const GroupOutcome&) {}}, results);
    const auto end = rollout.run(make_rollout_groups(plan, policy));

    std::vector<double> others;
    for (const auto& [service, time] : through) {
        if (service != slow_service) others.push_back(time);
    }
    std::sort(others.begin(), others.end());
    std::printf("%d services of %d nodes, %zu calls at once, %zu calls in all%s\n", services, nodes, policy.parallelism,
                target.calls().size(), end.error ? " (ended early)" : "");
    std::printf("  the %zu quick ones are through after             %6.2f s (half of them after %.2f s)\n",
                others.size(), others.back(), others[others.size() / 2]);
    std::printf("  the slow one, whose waiting alone is 9 s, after  %6.2f s\n", through[slow_service]);
}
