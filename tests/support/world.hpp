#pragma once

#include "cycle/reconciler.hpp"

#include "support/catch.hpp"
#include "support/fake_cache.hpp"
#include "support/fake_source.hpp"
#include "support/fake_target.hpp"
#include "support/recording_log.hpp"

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

namespace deployer {

inline std::string unit_file(const std::string& command) {
    return "[Service]\nExecStart=/bin/" + command + "\n";
}

/// A reconciler between fakes, with a small cluster declared: foo (two nodes) and bar.
struct World {
    std::shared_ptr<FakeSource> source = std::make_shared<FakeSource>();
    std::shared_ptr<FakeTarget> target = std::make_shared<FakeTarget>();
    std::shared_ptr<FakeCache> cache = std::make_shared<FakeCache>();
    std::shared_ptr<Health> health;
    RecordingLog log;
    std::stop_source stop;
    ReconcilePolicy policy;
    std::unique_ptr<EventStream> events;
    std::unique_ptr<Reconciler> reconciler;

    World() {
        policy.plan.destroy = true;
        policy.rollout = {4, std::chrono::seconds(2), std::chrono::milliseconds(1), OnTimeout::halt};
        policy.fingerprint = "f1";
        source->put("foo@.service", unit_file("foo"));
        source->put("bar.service", unit_file("bar"));
        declare("services:\n- name: foo@.service\n  count: 2\n- name: bar.service\n");
        restart();
    }

    void declare(const std::string& services) { source->put("services.yaml", services); }

    /// Makes a new reconciler, as a new process does: all state in memory is lost.
    void restart() {
        events = std::make_unique<EventStream>();
        reconciler = std::make_unique<Reconciler>(Plugins{source, target, cache, health}, policy, *events);
    }

    Calls calls() { return {stop.get_token(), log, std::chrono::seconds(10)}; }
    CycleReport cycle() { return reconciler->run_cycle(calls()); }

    /// Runs cycles until nothing is left to do.
    void settle() {
        for (int i = 0; i < 3; ++i) (void)cycle();
        REQUIRE(cycle().result == Outcome::in_sync);
        target->forget_calls();
        cache->calls.clear();
    }
};

}  // namespace deployer
