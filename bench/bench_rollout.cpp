// Rolls out a hundred sequential services of three nodes at once, with 8 calls at a time. Each call takes 5 ms. A node
// is ready after 200 ms, but a node of one slow service after 3 s. The slow service must not delay the others.

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

/// The version that the target runs, and the wanted version.
struct States {
    ActualState actual;
    WantedState wanted{{"r"}, {}, {}, {}, {}};
};

States make_states() {
    States states;
    for (int service = 1; service <= services; ++service) {
        const auto name = "s-" + std::to_string(service);
        states.wanted.rules[name].sequential = true;
        for (int node = 1; node <= nodes; ++node) {
            const auto unit = name + '@' + std::to_string(node) + ".service";
            states.actual.units.push_back({unit, version("old"), DesiredState::launched});
            states.wanted.units.push_back({unit, version("new"), DesiredState::launched});
        }
    }
    const auto by_name = [](const auto& left, const auto& right) { return numeric_less(left.name, right.name); };
    std::sort(states.actual.units.begin(), states.actual.units.end(), by_name);
    std::sort(states.wanted.units.begin(), states.wanted.units.end(), by_name);
    return states;
}

/// The times at which units were applied, from which the target finds out whether they are ready.
class Startups {
public:
    /// To be called at the beginning of each call to the target.
    void take_time(const std::string& call) {
        std::this_thread::sleep_for(5ms);
        const std::scoped_lock lock(mutex_);
        if (call.starts_with("apply ")) applied_[call.substr(6)] = Clock::now();
    }

    UnitStatus judge(const Unit& unit, const UnitStatus& status) {
        const std::scoped_lock lock(mutex_);
        const auto begun = applied_.find(unit.name);
        if (begun == applied_.end()) return status;
        const auto takes = service_name(unit.name) == slow_service ? 3s : 200ms;
        return Clock::now() - begun->second < takes ? UnitStatus{Readiness::waiting, "starting"} : status;
    }

private:
    std::mutex mutex_;
    std::map<std::string, Clock::time_point> applied_;
};

/// By service: seconds from the beginning until its last change has ended.
using Ends = std::map<std::string, double>;

void print(const Ends& ends, std::size_t calls_at_once, std::size_t calls, bool ended_early) {
    std::vector<double> others;
    for (const auto& [service, time] : ends) {
        if (service != slow_service) others.push_back(time);
    }
    std::sort(others.begin(), others.end());
    std::printf("%d services of %d nodes, %zu calls at once, %zu calls in all%s\n", services, nodes, calls_at_once,
                calls, ended_early ? " (ended early)" : "");
    std::printf("  the %zu quick ones are through after             %6.2f s (half of them after %.2f s)\n",
                others.size(), others.back(), others[others.size() / 2]);
    std::printf("  the slow one, whose waiting alone is 9 s, after  %6.2f s\n", ends.at(slow_service));
}

}  // namespace

int main() {
    const auto states = make_states();
    FakeTarget target;
    for (const auto& unit : states.actual.units) target.put({unit.name, unit.content->options, unit.desired_state});
    Startups startups;
    target.before = [&](const std::string& call) { startups.take_time(call); };
    target.judge = [&](const Unit& unit, const UnitStatus& status) { return startups.judge(unit, status); };

    const auto plan = make_plan(states.wanted, states.actual, {});
    auto results = report_of(plan, states.wanted).changes;
    RolloutPolicy policy;
    policy.poll = 50ms;
    RecordingLog log;
    const Calls calls{{}, log, 10s};
    EventStream events;
    WaitStarts starts;
    std::mutex mutex;
    Ends ends;
    const auto begin = Clock::now();
    events.subscribe([&](const Event& event) {
        const auto* const ended = std::get_if<ChangeEnded>(&event);
        if (ended == nullptr) return;
        const std::scoped_lock lock(mutex);
        ends[ended->result.change.service] = seconds_since(begin);
    });
    Rollout rollout({target, nullptr, policy, calls, events, starts, [](const GroupOutcome&) {}}, results);
    const auto end = rollout.run(make_rollout_groups(plan, policy));
    print(ends, policy.parallelism, target.calls().size(), end.error.has_value());
}
