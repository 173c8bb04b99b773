#include "cycle/reconciler.hpp"

#include "memory/documents.hpp"
#include "memory/orders.hpp"
#include "support/catch.hpp"
#include "support/world.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> all_names{"bar.service", "foo@1.service", "foo@2.service"};

const ChangeResult& result_of(const CycleReport& report, const std::string& unit) {
    const auto found = std::find_if(report.changes.begin(), report.changes.end(),
                                    [&](const auto& result) { return result.change.unit == unit; });
    REQUIRE(found != report.changes.end());
    return *found;
}

}  // namespace

TEST_CASE("a first cycle deploys everything, a second looks afresh, a third asks the target nothing",
          "[R30][R31][R32]") {
    World world;
    const auto first = world.cycle();
    CHECK(first.result == Outcome::applied);
    CHECK(first.changes.size() == 3);
    CHECK(world.target->names() == all_names);
    CHECK_FALSE(world.cache->has("snapshot"));

    world.target->forget_calls();
    const auto second = world.cycle();
    CHECK(second.result == Outcome::in_sync);
    CHECK(world.target->calls() == std::vector<std::string>{"list"});
    CHECK(world.cache->has("snapshot"));

    world.target->forget_calls();
    const auto asked = world.source->checkouts();
    const auto read = world.source->reads();
    const auto third = world.cycle();
    CHECK(third.result == Outcome::in_sync);
    CHECK(third.revision == first.revision);
    CHECK(world.target->calls().empty());
    CHECK(world.source->checkouts() == asked + 1);
    CHECK(world.source->reads() == read);
}

TEST_CASE("the same holds for a process a cycle", "[R31][R32]") {
    World world;
    CHECK(world.cycle().result == Outcome::applied);
    world.restart();
    CHECK(world.cycle().result == Outcome::in_sync);
    world.restart();
    world.target->forget_calls();
    const auto read = world.source->reads();
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.target->calls().empty());
    CHECK(world.source->reads() == read);
}

TEST_CASE("a snapshot that is not trusted is replaced by a listing, once", "[R32]") {
    World world;
    world.settle();
    world.target->remove("bar.service");
    world.restart();
    CHECK(world.cycle().result == Outcome::in_sync);
    world.restart();
    world.reconciler->distrust_snapshot();
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->names() == all_names);
    world.settle();
    world.restart();
    world.reconciler->distrust_snapshot();
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.target->calls() == std::vector<std::string>{"list"});
}

TEST_CASE("the cached snapshot is erased before the first change and stays away until the target is listed again",
          "[R30]") {
    World world;
    world.settle();
    world.source->put("bar.service", unit_file("bar --new"));
    bool snapshot_at_change = true;
    world.target->before = [&](const std::string& call) {
        if (call == "apply bar.service") snapshot_at_change = world.cache->has("snapshot");
    };
    CHECK(world.cycle().result == Outcome::applied);
    CHECK_FALSE(snapshot_at_change);
    CHECK(world.target->writes() == std::vector<std::string>{"apply bar.service"});
}

TEST_CASE("when the snapshot cannot be erased, nothing is changed", "[R30]") {
    World world;
    world.settle();
    world.source->put("bar.service", unit_file("bar --new"));
    world.cache->before = [](const std::string& call) {
        if (call == "erase snapshot") throw Error(ErrorKind::unavailable, "no space left on device");
    };
    const auto report = world.cycle();
    CHECK(report.result == Outcome::failed);
    CHECK(std::string(report.error->what()).find("no space left on device") != std::string::npos);
    CHECK(world.target->writes().empty());
    world.cache->before = [](const std::string&) {};
    CHECK(world.cycle().result == Outcome::applied);
}

TEST_CASE("an unusable services.yaml ends the cycle and changes nothing", "[R17]") {
    World world;
    world.settle();
    const auto* const text = GENERATE("", "services:\n", "services: []\n", "services: [\n", "a: b\n---\nservices: []\n",
                                      "just text", "services:\n- name: x.service\n- name : [\n");
    world.declare(text);
    const auto report = world.cycle();
    REQUIRE(report.result == Outcome::failed);
    CHECK(report.error->kind() == ErrorKind::rejected);
    CHECK(std::string(report.error->what()).find("services.yaml") != std::string::npos);
    CHECK(report.changes.empty());
    CHECK(world.target->writes().empty());
    CHECK(world.target->names() == all_names);
}

TEST_CASE("a services.yaml that is gone ends the cycle and changes nothing", "[R17]") {
    World world;
    world.settle();
    world.source->remove("services.yaml");
    CHECK(world.cycle().result == Outcome::failed);
    CHECK(world.target->names() == all_names);
}

TEST_CASE("a service whose file is missing or broken is held whole, the others go on", "[R17]") {
    World world;
    world.declare(
        "services:\n- name: foo@.service\n  count: 2\n- name: foo-sidekick@.service\n  count: 2\n- name: "
        "bar.service\n");
    world.source->put("foo-sidekick@.service", unit_file("sidekick"));
    world.settle();
    if (GENERATE(true, false)) {
        world.source->put("foo@.service", "[Service]\nthis is no option\n");
    } else {
        world.source->remove("foo@.service");
    }
    world.source->put("foo-sidekick@.service", unit_file("sidekick --new"));
    world.source->put("bar.service", unit_file("bar --new"));
    const auto report = world.cycle();
    CHECK(report.result == Outcome::held);
    REQUIRE(report.held.size() == 1);
    CHECK(report.held[0].service == "foo");
    CHECK(world.target->writes() == std::vector<std::string>{"apply bar.service"});

    SECTION("and does not count as applied, but costs no more than a question while it stays so") {
        (void)world.cycle();
        const auto reads = world.source->reads();
        const auto again = world.cycle();
        CHECK(again.result == Outcome::held);
        CHECK(world.source->reads() == reads);
    }
    SECTION("and goes through by itself once it is mended") {
        world.source->put("foo@.service", unit_file("foo --new"));
        CHECK(world.cycle().result == Outcome::applied);
        CHECK(world.target->units().at("foo@2.service").options.at(0).value == "/bin/foo --new");
    }
}

TEST_CASE("what is held because a uri could not be fetched is read again in the next cycle", "[R17]") {
    World world;
    world.settle();
    world.source->put_error("http://example.test/baz.service", Error(ErrorKind::not_found, "404"));
    world.declare(
        "services:\n- name: foo@.service\n  count: 2\n- name: bar.service\n- name: baz.service\n"
        "  uri: http://example.test/baz.service\n");
    CHECK(world.cycle().result == Outcome::held);
    const auto reads = world.source->reads();
    CHECK(world.cycle().result == Outcome::held);
    CHECK(world.source->reads() > reads);
}

TEST_CASE("trouble reaching the source or the target clears the cache, changes nothing, and passes", "[R5][R32]") {
    World world;
    world.settle();
    SECTION("the source cannot be asked") {
        world.source->fail_checkout(Error(ErrorKind::unavailable, "timed out"), 1);
    }
    SECTION("the source breaks off") {
        world.source->touch();
        world.source->fail_read(Error(ErrorKind::unavailable, "timed out"), 1);
    }
    SECTION("the target cannot be listed") {
        world.restart();
        world.reconciler->distrust_snapshot();
        world.target->before = [failed = false](const std::string&) mutable {
            if (!std::exchange(failed, true)) throw Error(ErrorKind::unavailable, "timed out");
        };
    }
    const auto report = world.cycle();
    CHECK(report.result == Outcome::failed);
    CHECK(report.error->kind() == ErrorKind::unavailable);
    CHECK_FALSE(world.cache->has("snapshot"));
    CHECK(world.target->writes().empty());
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.target->count("list") == 1);
}

TEST_CASE("a target that breaks off at any call converges as soon as it answers again", "[R5][R32][R33]") {
    World world;
    const auto fatal = GENERATE(0, 1, 2, 3, 4, 5);
    int calls = 0;
    world.target->before = [&](const std::string&) {
        if (calls++ == fatal) throw Error(ErrorKind::unavailable, "connection reset");
    };
    for (int i = 0; i < 4; ++i) (void)world.cycle();
    CHECK(world.target->names() == all_names);
    CHECK(world.cycle().result == Outcome::in_sync);
}

TEST_CASE("one unit that is rejected leaves the others done and is tried again", "[R5][R31]") {
    World world;
    world.target->before = [](const std::string& call) {
        if (call == "apply foo@1.service") throw Error(ErrorKind::rejected, "no room");
    };
    const auto report = world.cycle();
    CHECK(report.result == Outcome::degraded);
    CHECK(result_of(report, "foo@1.service").status == ChangeStatus::failed);
    CHECK(world.target->names() == std::vector<std::string>{"bar.service", "foo@2.service"});
    world.target->before = [](const std::string&) {};
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->names() == all_names);
}

TEST_CASE("a revision that was attempted and not applied is owed, also by the next process", "[R31][R33]") {
    World world;
    world.settle();
    world.source->put("bar.service", unit_file("bar --new"));
    world.target->before = [](const std::string& call) {
        if (call == "apply bar.service") throw Error(ErrorKind::rejected, "not now");
    };
    CHECK(world.cycle().result == Outcome::degraded);
    world.restart();
    // Even with a snapshot at hand and a source that has not moved.
    CHECK(world.cycle().result == Outcome::degraded);
    world.target->before = [](const std::string&) {};
    world.restart();
    CHECK(world.cycle().result == Outcome::applied);
}

TEST_CASE("nothing is destroyed in a cycle in which a create failed", "[R25]") {
    World world;
    world.settle();
    world.source->put("new-bar.service", unit_file("bar"));
    world.declare("services:\n- name: foo@.service\n  count: 2\n- name: new-bar.service\n");
    world.target->before = [](const std::string& call) {
        if (call == "apply new-bar.service") throw Error(ErrorKind::rejected, "no room");
    };
    const auto report = world.cycle();
    CHECK(report.result == Outcome::degraded);
    CHECK(result_of(report, "bar.service").status == ChangeStatus::skipped);
    CHECK(world.target->names() == all_names);

    world.target->before = [](const std::string&) {};
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->names() == std::vector<std::string>{"foo@1.service", "foo@2.service", "new-bar.service"});
}

TEST_CASE("nothing is destroyed while a new service is held: it may be the new name", "[R25]") {
    World world;
    world.settle();
    world.declare("services:\n- name: foo@.service\n  count: 2\n- name: new-bar.service\n");
    const auto report = world.cycle();
    CHECK(result_of(report, "bar.service").status == ChangeStatus::skipped);
    CHECK(result_of(report, "bar.service").error == "not begun: new-bar is held and not running yet");
    CHECK(world.target->names() == all_names);
}

TEST_CASE("an old name stays until the new one is ready, however many cycles and restarts that takes",
          "[R25][R31][R33]") {
    World world;
    world.policy.rollout.timeout = 10ms;
    world.restart();
    world.settle();
    world.source->put("new-bar.service", unit_file("bar"));
    world.declare("services:\n- name: foo@.service\n  count: 2\n- name: new-bar.service\n");
    bool is_ready = false;
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        return unit.name == "new-bar.service" && !is_ready ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    const bool stopped_while_waiting = GENERATE(true, false);
    world.events->subscribe([&](const Event& event) {
        if (stopped_while_waiting && std::holds_alternative<WaitingForReady>(event)) world.stop.request_stop();
    });
    CHECK(result_of(world.cycle(), "bar.service").status == ChangeStatus::skipped);
    world.stop = std::stop_source();
    for (int i = 0; i < 3; ++i) {
        if (i == 1) world.restart();
        const auto again = world.cycle();
        CHECK(again.result == Outcome::degraded);
        CHECK(result_of(again, "bar.service").status == ChangeStatus::skipped);
        CHECK(result_of(again, "bar.service").error ==
              "not begun: new-bar.service, changed by an earlier cycle, is not ready");
        REQUIRE(again.not_ready.size() == 1);
        CHECK(again.not_ready.front() == NotReady{"new-bar.service", "starting"});
        CHECK(world.target->units().count("bar.service") == 1);
    }
    SECTION("and goes when it is") {
        is_ready = true;
        CHECK(world.cycle().result == Outcome::applied);
        CHECK(world.target->units().count("bar.service") == 0);
    }
    SECTION("and is itself wanted again when the change is taken back") {
        world.declare("services:\n- name: foo@.service\n  count: 2\n- name: bar.service\n");
        CHECK(world.cycle().result == Outcome::applied);
        CHECK(world.target->names() == all_names);
        CHECK(world.cycle().result == Outcome::in_sync);
    }
}

TEST_CASE("a sequential service whose last node is not ready is not applied until it is", "[R31][R41]") {
    World world;
    world.policy.rollout.timeout = 10ms;
    world.restart();
    world.declare("services:\n- name: foo@.service\n  count: 2\n  sequentialDeployment: true\n- name: bar.service\n");
    world.settle();
    world.source->put("foo@.service", unit_file("foo --new"));
    bool is_ready = false;
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        const bool broken = unit.name == "foo@2.service" && unit.options[0].value == "/bin/foo --new" && !is_ready;
        return broken ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    CHECK(world.cycle().result == Outcome::halted);
    (void)world.cycle();
    world.target->forget_calls();
    CHECK(world.cycle().result == Outcome::quarantined);
    CHECK(world.target->calls() == std::vector<std::string>{"status foo@2.service"});
    is_ready = true;
    CHECK(world.cycle().result == Outcome::quarantined);
    CHECK(world.cycle().result == Outcome::in_sync);
    world.target->forget_calls();
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.target->calls().empty());
}

TEST_CASE("a listing is compared however the cycle that made it ended", "[R32][R33]") {
    World world;
    world.settle();
    for (const auto& name : all_names) world.target->remove(name);
    world.restart();
    world.reconciler->distrust_snapshot();
    world.source->put("services.yaml", "services: [");
    CHECK(world.cycle().result == Outcome::failed);
    if (GENERATE(true, false)) world.restart();
    world.declare("services:\n- name: foo@.service\n  count: 2\n- name: bar.service\n");
    world.reconciler->distrust_snapshot();
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->names() == all_names);
}

TEST_CASE("a snapshot that could not be replaced is not believed later", "[R30][R32]") {
    World world;
    world.settle();
    for (const auto& name : all_names) world.target->remove(name);
    world.restart();
    world.reconciler->distrust_snapshot();
    world.cache->before = [](const std::string& call) {
        if (call.rfind("load", 0) != 0) throw Error(ErrorKind::unavailable, "read-only file system");
    };
    CHECK(world.cycle().result == Outcome::failed);
    CHECK(world.cycle().result == Outcome::failed);
    CHECK(world.target->names().empty());
    world.cache->before = [](const std::string&) {};
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->names() == all_names);
}

TEST_CASE("while destroys wait for a held service, the target is left in peace and the history keeps still", "[R25]") {
    World world;
    world.settle();
    world.declare("services:\n- name: foo@.service\n  count: 2\n- name: new-bar.service\n");
    std::vector<std::string> told;
    world.events->subscribe([&](const Event& event) {
        if (const auto* ended = std::get_if<ChangeEnded>(&event)) told.push_back(ended->result.error);
    });
    (void)world.cycle();
    CHECK(told == std::vector<std::string>{"not begun: new-bar is held and not running yet"});
    world.target->forget_calls();
    world.cache->calls.clear();
    CHECK(world.cycle().result == Outcome::degraded);
    CHECK(world.target->calls().empty());
    CHECK(world.cache->calls == std::vector<std::string>{"load orders"});
}

TEST_CASE("drift is only reported, also while something is owed", "[R33]") {
    World world;
    world.settle();
    world.policy.drift = Drift::report;
    world.policy.resync_interval = 0ms;
    world.restart();
    world.source->remove("foo@.service");
    CHECK(world.cycle().result == Outcome::held);
    world.target->remove("bar.service");
    for (int i = 0; i < 3; ++i) CHECK(world.cycle().result == Outcome::held);
    CHECK(world.target->writes().empty());
}

TEST_CASE("a plan believes the snapshot no more than the cycle would", "[R20][R32]") {
    World world;
    world.settle();
    world.target->remove("bar.service");
    world.restart();
    CHECK(world.reconciler->preview(world.calls()).changes.empty());
    world.reconciler->distrust_snapshot();
    CHECK(world.reconciler->preview(world.calls()).changes.size() == 1);
}

TEST_CASE("what a second reading wants again is not destroyed but disputed", "[R25]") {
    World world;
    world.settle();
    world.declare("services:\n- name: foo@.service\n  count: 1\n");
    const auto asked = world.source->checkouts();
    SECTION("without a change in between it costs one question") {
        const auto reads = world.source->reads();
        CHECK(world.cycle().result == Outcome::applied);
        CHECK(world.target->names() == std::vector<std::string>{"foo@1.service"});
        CHECK(world.source->checkouts() == asked + 2);
        CHECK(world.source->reads() == reads + 2);  // services.yaml, then the service files
    }
    SECTION("bar comes back while the cycle is under way") {
        world.events->subscribe([&](const Event& event) {
            if (std::holds_alternative<RolloutStarting>(event)) {
                world.declare("services:\n- name: foo@.service\n  count: 1\n- name: bar.service\n");
            }
        });
        const auto report = world.cycle();
        CHECK(report.result == Outcome::degraded);
        CHECK(report.left.disputed == 1);
        CHECK(result_of(report, "bar.service").status == ChangeStatus::skipped);
        CHECK(result_of(report, "foo@2.service").status == ChangeStatus::done);
        CHECK(world.target->names() == std::vector<std::string>{"bar.service", "foo@1.service"});
    }
    SECTION("bar comes back, but so broken that it is held") {
        world.events->subscribe([&](const Event& event) {
            if (!std::holds_alternative<RolloutStarting>(event)) return;
            world.source->remove("bar.service");
            world.declare("services:\n- name: foo@.service\n  count: 1\n- name: bar.service\n");
        });
        CHECK(world.cycle().left.disputed == 1);
        CHECK(world.target->names() == std::vector<std::string>{"bar.service", "foo@1.service"});
    }
    SECTION("the second reading fails") {
        const bool cut_short = GENERATE(true, false);
        world.events->subscribe([&](const Event& event) {
            if (!std::holds_alternative<RolloutStarting>(event)) return;
            if (cut_short) {
                world.declare("services: [");
            } else {
                world.source->fail_checkout(Error(ErrorKind::unavailable, "timed out"), 1);
            }
        });
        CHECK(world.cycle().result == Outcome::failed);
        CHECK(world.target->names() == all_names);
    }
}

TEST_CASE("without destroy, what is not wanted stays, and is counted also while nothing moves", "[R22]") {
    World world;
    world.settle();
    world.policy.plan.destroy = false;
    world.policy.fingerprint = "f2";
    world.declare("services:\n- name: bar.service\n");
    world.restart();
    for (int i = 0; i < 3; ++i) {
        const auto report = world.cycle();
        CHECK(report.result == Outcome::in_sync);
        CHECK(report.left.destroy_disabled == 2);
    }
    CHECK(world.target->writes().empty());

    SECTION("and goes when destroy is allowed, though no file has moved") {
        world.policy.plan.destroy = true;
        world.policy.fingerprint = "f3";
        world.restart();
        CHECK(world.cycle().result == Outcome::applied);
        CHECK(world.target->names() == std::vector<std::string>{"bar.service"});
    }
}

TEST_CASE("too many destroys are stopped whole, everything else goes on, and it is no reason to compare every time",
          "[R24]") {
    World world;
    world.settle();
    world.policy.plan.max_destroy = {1, false};
    world.restart();
    world.source->put("new.service", unit_file("new"));
    world.declare("services:\n- name: new.service\n- name: bar.service\n");
    const auto report = world.cycle();
    CHECK(report.result == Outcome::degraded);
    CHECK(report.left.max_destroy == 2);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0].find("set reconcile.max_destroy to 2 or more") != std::string::npos);
    CHECK(world.target->names() ==
          std::vector<std::string>{"bar.service", "foo@1.service", "foo@2.service", "new.service"});
    (void)world.cycle();
    world.target->forget_calls();
    const auto reads = world.source->reads();
    const auto idle = world.cycle();
    CHECK(idle.result == Outcome::degraded);
    CHECK(idle.left.max_destroy == 2);
    CHECK(idle.notes == report.notes);
    CHECK(world.target->calls().empty());
    CHECK(world.source->reads() == reads);
}

TEST_CASE("changes in the cluster by hand are ignored, reported or healed", "[R33]") {
    World world;
    world.settle();
    world.policy.resync_interval = 0ms;
    world.target->remove("bar.service");
    SECTION("ignored") {
        world.policy.drift = Drift::ignore;
        world.restart();
        CHECK(world.cycle().result == Outcome::in_sync);
        CHECK(world.target->count("list") == 0);
    }
    SECTION("reported") {
        world.policy.drift = Drift::report;
        world.restart();
        (void)world.cycle();
        const auto report = world.cycle();
        CHECK(report.result == Outcome::degraded);
        CHECK(result_of(report, "bar.service").status == ChangeStatus::planned);
        CHECK(world.target->writes().empty());
    }
    SECTION("healed") {
        world.policy.drift = Drift::heal;
        world.restart();
        (void)world.cycle();
        CHECK(world.cycle().result == Outcome::applied);
        CHECK(world.target->names() == all_names);
    }
}

TEST_CASE("any document of the cache may vanish or be damaged at any time: slower, never wrong", "[R7][R33]") {
    World world;
    world.settle();
    SECTION("vanished") {
        world.cache->documents.clear();
    }
    SECTION("damaged") {
        for (auto& [key, document] : world.cache->documents) document = document.substr(0, document.size() / 2);
    }
    SECTION("something else") {
        for (auto& [key, document] : world.cache->documents) document = R"({"format":1,"units":[{}],"contents":7})";
    }
    world.restart();
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.target->calls() == std::vector<std::string>{"list"});
    CHECK(world.target->names() == all_names);
}

TEST_CASE("what was cached of one cluster is not used for another", "[R30]") {
    World world;
    world.settle();
    world.target->name = "fake:other";
    for (const auto& name : all_names) world.target->remove(name);
    world.restart();
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->names() == all_names);
}

TEST_CASE("a plan writes nothing, neither to the target nor to the cache", "[R20]") {
    World world;
    world.source->put("bar.service", unit_file("bar --new"));
    const auto report = world.reconciler->preview(world.calls());
    CHECK(report.changes.size() == 3);
    CHECK(report.result == Outcome::applied);
    CHECK(report.changes[0].status == ChangeStatus::planned);
    CHECK(world.target->calls() == std::vector<std::string>{"list"});
    CHECK(world.cache->calls == std::vector<std::string>{"load ledger", "load orders", "load snapshot"});
    CHECK(world.cache->documents.empty());
}

TEST_CASE("a plan is what the next cycle does", "[R20]") {
    World world;
    world.settle();
    world.source->put("foo@.service", unit_file("foo --new"));
    world.declare("services:\n- name: foo@.service\n  count: 3\n");
    const auto plan = world.reconciler->preview(world.calls());
    const auto report = world.cycle();
    REQUIRE(plan.changes.size() == report.changes.size());
    for (std::size_t i = 0; i < plan.changes.size(); ++i) {
        CHECK(plan.changes[i].change.unit == report.changes[i].change.unit);
        CHECK(plan.changes[i].change.reason == report.changes[i].change.reason);
    }
}

TEST_CASE("a cycle that is stopped is not applied, and the next one finishes it", "[R33]") {
    World world;
    world.policy.rollout.parallelism = 1;
    world.restart();
    world.target->before = [&](const std::string& call) {
        if (call == "apply foo@1.service") world.stop.request_stop();
    };
    (void)world.cycle();
    CHECK(world.target->names().size() < all_names.size());
    world.target->before = [](const std::string&) {};
    world.stop = std::stop_source();
    world.restart();
    (void)world.cycle();
    CHECK(world.target->names() == all_names);
}

namespace {

/// As a target that drops the quotes of what it is given.
Unit without_quotes(const Unit& unit) {
    auto kept = unit;
    for (auto& option : kept.options) std::erase(option.value, '"');
    return kept;
}

std::string quoted_unit_file(const std::string& value) {
    return "[Service]\nExecStart=/bin/bar\nEnvironment=\"A=" + value + "\"\n";
}

}  // namespace

TEST_CASE("what a target gives back otherwise than it got it is given to it twice more, and then left with a warning",
          "[R31]") {
    World world;
    world.policy.drift = GENERATE(Drift::ignore, Drift::heal);
    world.policy.resync_interval = 0ms;
    const bool restarts = GENERATE(false, true);
    const auto cycle = [&] {
        if (restarts) world.restart();
        return world.cycle();
    };
    world.restart();
    world.target->kept_as = without_quotes;
    world.source->put("bar.service", quoted_unit_file("1"));
    for (int i = 0; i < 6; ++i) (void)cycle();
    CHECK(world.target->count("apply bar.service") == 3);
    const auto report = cycle();
    CHECK(report.result == Outcome::degraded);
    CHECK(report.changes.empty());
    CHECK(report.left.altered == 1);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0].find("bar.service is left as it is") == 0);
    CHECK(report.notes[0].find(R"([Service] Environment "A=1" -> '"A=1"')") != std::string::npos);

    SECTION("nothing is destroyed, for it is not known to be as it is to be") {
        world.declare("services:\n- name: bar.service\n");
        const auto ended = cycle();
        CHECK(world.target->count("destroy foo@1.service") == 0);
        REQUIRE_FALSE(ended.changes.empty());
        CHECK(ended.changes[0].error.find("bar.service is not known to be as it is to be") != std::string::npos);
    }
    SECTION("the others are changed, and it is tried again once its content changes") {
        world.source->put("foo@.service", unit_file("foo --new"));
        (void)cycle();
        CHECK(world.target->count("apply foo@1.service") == 2);
        CHECK(world.target->count("apply bar.service") == 3);
        world.source->put("bar.service", quoted_unit_file("2"));
        for (int i = 0; i < 5; ++i) (void)cycle();
        CHECK(world.target->count("apply bar.service") == 6);
        CHECK(world.target->units().at("bar.service").options.at(1).value == "A=2");
    }
    SECTION("written as the target has it, it is as wanted") {
        world.source->put("bar.service", "[Service]\nExecStart=/bin/bar\nEnvironment=A=1\n");
        for (int i = 0; i < 3; ++i) (void)cycle();
        CHECK(cycle().result == Outcome::in_sync);
        CHECK(world.target->count("apply bar.service") == 3);
    }
}

TEST_CASE("the same holds for a desired state that a target does not take", "[R31]") {
    World world;
    world.declare("services:\n- name: bar.service\n  desiredState: loaded\n");
    world.target->kept_as = [](const Unit& unit) {
        auto kept = unit;
        kept.desired_state = DesiredState::launched;
        return kept;
    };
    world.target->ignores_states = true;
    for (int i = 0; i < 6; ++i) (void)world.cycle();
    CHECK(world.target->count("set bar.service loaded") == 2);
    CHECK(world.cycle().left.altered == 1);
}

TEST_CASE("a unit that is to run is told so in every cycle, also by a target that does not take it", "[R31]") {
    World world;
    world.target->kept_as = [](const Unit& unit) {
        auto kept = unit;
        kept.desired_state = DesiredState::loaded;
        return kept;
    };
    world.target->ignores_states = true;
    for (int i = 0; i < 3; ++i) CHECK(world.cycle().left.altered == 0);
    for (int i = 0; i < 3; ++i) {
        const auto report = world.cycle();
        CHECK(report.result == Outcome::degraded);
        CHECK(report.left.altered == 3);
        CHECK(report.notes.at(0) ==
              "bar.service is launched again, as in the cycles before: the target gives it back as loaded each time");
    }
    CHECK(world.target->count("set bar.service launched") == 5);
}

TEST_CASE("what is changed back by a process that is killed is no unit that the target alters", "[R31][R33]") {
    World world;
    world.settle();
    for (int round = 0; round < 4; ++round) {
        world.source->put("bar.service", unit_file("bar --new"));
        const auto report = world.cycle();
        CHECK(report.result == Outcome::applied);
        CHECK(report.left.altered == 0);

        // Killed when the target has taken it: nothing is written down from here on.
        std::optional<decltype(world.cache->documents)> written;
        world.target->before = [&](const std::string& call) {
            if (call == "apply bar.service") written = world.cache->documents;
        };
        world.source->put("bar.service", unit_file("bar"));
        (void)world.cycle();
        world.target->before = [](const std::string&) {};
        REQUIRE(written.has_value());
        world.cache->documents = *written;
        world.restart();
    }
}

TEST_CASE("a unit that changes of another one stop is started again, however often that is broken off", "[R31][R33]") {
    World world;
    world.source->put("foo-sidekick@.service", unit_file("tell"));
    world.declare("services:\n- {name: foo@.service, count: 1}\n- {name: foo-sidekick@.service, count: 1}\n");
    world.settle();
    for (int round = 0; round < 5; ++round) {
        std::optional<decltype(world.cache->documents)> written;
        world.target->before = [&](const std::string& call) {
            if (call != "apply foo@1.service") return;
            written = world.cache->documents;
            auto sidekick = world.target->units().at("foo-sidekick@1.service");
            sidekick.desired_state = DesiredState::loaded;
            world.target->put(sidekick);
        };
        world.source->put("foo@.service", unit_file("foo --round " + std::to_string(round)));
        (void)world.cycle();
        world.target->before = [](const std::string&) {};
        world.cache->documents = written.value();
        world.restart();
        const auto report = world.cycle();
        CHECK(report.left.altered == 0);
        CHECK(world.target->units().at("foo-sidekick@1.service").desired_state == DesiredState::launched);
    }
}

TEST_CASE("what somebody changes by hand is healed each time that it was as wanted in between", "[R31]") {
    World world;
    world.policy.drift = Drift::heal;
    world.policy.resync_interval = 0ms;
    world.restart();
    world.settle();
    for (int i = 1; i <= 5; ++i) {
        world.target->put({"bar.service", {{"Service", "ExecStart", "/bin/by-hand"}}, DesiredState::launched});
        CHECK(world.cycle().result == Outcome::applied);
        CHECK(world.target->count("apply bar.service") == static_cast<std::size_t>(i));
        CHECK(world.cycle().result == Outcome::in_sync);
    }
}

TEST_CASE("a unit that the target itself does not call running is looked at once after a listing, and told", "[R42]") {
    World world;
    world.settle();
    const auto is_bar = [](const Unit& unit) { return unit.name == "bar.service"; };
    bool runs = false;
    world.target->word = [&](const Unit& unit) { return is_bar(unit) && !runs ? "inactive" : "launched"; };
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        return is_bar(unit) && !runs ? UnitStatus{Readiness::unplaced, "not scheduled to a machine"} : status;
    };
    world.policy.rollout.placement_grace = 0ms;
    world.restart();
    world.reconciler->distrust_snapshot();
    const auto listed = world.cycle();
    CHECK(listed.result == Outcome::degraded);
    REQUIRE(listed.not_ready.size() == 1);
    CHECK(listed.not_ready[0].text() == "bar.service is as wanted, and not ready: not scheduled to a machine");
    CHECK(world.target->calls() == std::vector<std::string>{"list", "status bar.service"});
    world.target->forget_calls();

    SECTION("an idle cycle asks nothing, and tells it all the same") {
        const auto reads = world.source->reads();
        const auto idle = world.cycle();
        CHECK(idle.result == Outcome::degraded);
        REQUIRE(idle.not_ready.size() == 1);
        CHECK(world.target->calls().empty());
        CHECK(world.source->reads() == reads);
    }
    SECTION("it is looked at again when resync_interval is over, and by a new process") {
        runs = true;
        if (GENERATE(true, false)) {
            world.restart();
        } else {
            world.policy.resync_interval = 0ms;
            world.restart();
        }
        CHECK(world.cycle().result == Outcome::in_sync);
        CHECK(world.target->calls() == std::vector<std::string>{"status bar.service"});
        CHECK(world.cycle().not_ready.empty());
    }
    SECTION("a plan tells it too, and it keeps nobody from being destroyed") {
        world.declare("services:\n- name: bar.service\n");
        world.restart();
        CHECK(world.reconciler->preview(world.calls()).not_ready.size() == 1);
        const auto report = world.cycle();
        CHECK(report.result == Outcome::degraded);
        CHECK(world.target->names() == std::vector<std::string>{"bar.service"});
        CHECK(report.not_ready.size() == 1);
    }
    SECTION("when the target does not answer, the last answer counts") {
        world.restart();
        world.target->before = [](const std::string& call) {
            if (call.starts_with("status")) throw Error(ErrorKind::unavailable, "timed out");
        };
        const auto report = world.cycle();
        CHECK(report.result == Outcome::degraded);
        CHECK(report.not_ready.size() == 1);
    }
    SECTION("of a service that is paused it is part of the pause") {
        Orders orders;
        orders.paused[GENERATE("bar", "")] = {"2026-01-02T03:04:05Z", "moving house"};
        world.cache->documents[document_key(orders_document, world.target->identity())] = write_orders(orders);
        const auto report = world.cycle();
        CHECK(report.not_ready.size() == 1);
        CHECK(report.result == Outcome::paused);
    }
    SECTION("a pause of another service is no excuse") {
        Orders orders;
        orders.paused["foo"] = {"2026-01-02T03:04:05Z", "moving house"};
        world.cache->documents[document_key(orders_document, world.target->identity())] = write_orders(orders);
        CHECK(world.cycle().result == Outcome::degraded);
    }
}

TEST_CASE("what was just changed is on its way, and told only when that has taken too long", "[R42]") {
    World world;
    const auto is_bar = [](const Unit& unit) { return unit.name == "bar.service"; };
    world.target->word = [&](const Unit& unit) { return is_bar(unit) ? "inactive" : "launched"; };
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        return is_bar(unit) ? UnitStatus{Readiness::unplaced, "not scheduled to a machine"} : status;
    };
    world.settle();
    CHECK(world.cycle().result == Outcome::in_sync);
    world.restart();
    CHECK(world.reconciler->preview(world.calls()).not_ready.empty());
    CHECK(world.cycle().result == Outcome::in_sync);
    world.policy.rollout.placement_grace = 0ms;
    world.restart();
    CHECK(world.cycle().result == Outcome::degraded);
}

TEST_CASE("a target without such a word, or with one that its status does not bear out, gives no alarm", "[R42]") {
    World world;
    world.policy.rollout.placement_grace = 0ms;
    world.settle();
    const std::string word = GENERATE("", "active (running)");
    world.target->word = [&](const Unit&) { return std::string(word); };
    world.restart();
    world.reconciler->distrust_snapshot();
    const auto report = world.cycle();
    CHECK(report.result == Outcome::in_sync);
    CHECK(report.not_ready.empty());
    CHECK(world.target->calls().size() == (word.empty() ? 1 : 4));
    world.target->forget_calls();
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.target->calls().empty());
}
