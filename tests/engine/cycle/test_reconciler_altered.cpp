#include "support/change_results.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

/// The unit as a target keeps it that drops quotes from values.
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

    SECTION("nothing is destroyed, for it still differs from the wanted state") {
        world.declare("services:\n- name: bar.service\n");
        const auto ended = cycle();
        CHECK(world.target->count("destroy foo@1.service") == 0);
        REQUIRE_FALSE(ended.changes.empty());
        CHECK(ended.changes[0].error.find("bar.service still differs from the wanted state") != std::string::npos);
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
              "bar.service is launched again, as in the cycles before: the target lists it as loaded each time");
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

        // The deployer is killed right after the target accepted the unit, so the cache keeps the documents of this
        // moment.
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
