#include "support/change_results.hpp"

#include <chrono>
#include <cstddef>
#include <cstring>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

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
    // The failed change is still owed, although the snapshot is in the cache and the source has not changed.
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
