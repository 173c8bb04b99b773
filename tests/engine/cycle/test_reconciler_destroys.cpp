#include "support/change_results.hpp"

#include <string>
#include <vector>

using namespace deployer;

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
