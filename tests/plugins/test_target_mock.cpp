#include "support/mock_target.hpp"

#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using namespace deployer;
using namespace deployer::mock_target;
using namespace std::chrono_literals;

TEST_CASE("mock: an applied unit is listed as it was applied, in its desired state") {
    const MockCluster cluster;
    const auto target = cluster.open();
    const TestCall call;
    const auto state = GENERATE(DesiredState::inactive, DesiredState::loaded, DesiredState::launched);
    const auto unit = unit_running("foo@1.service", "/bin/foo", state);
    target->apply(unit, call);

    const auto units = target->list(call);
    REQUIRE(units.size() == 1);
    CHECK(units[0].unit == unit);
    CHECK(units[0].current_state == to_string(state));
    CHECK(target->status(unit, call).readiness == Readiness::ready);
}

TEST_CASE("mock: any text that a unit may hold comes back from the file as it was") {
    const MockCluster cluster;
    Unit unit{"odd.service", {}, DesiredState::loaded};
    unit.options.push_back({"Unit", "Description", "h\u00e9llo \u2028 \U0001F680 \"quoted\" \\ back\\slash / \x7f"});
    unit.options.push_back({"Unit", "Description", ""});
    unit.options.push_back({"Unit", "Description", "again"});
    unit.options.push_back({"Service", "ExecStart", "/bin/sh -c 'a \\\n\tb' \x01\r\b"});
    unit.options.push_back({"Unit", "After", "a section that comes back"});
    unit.options.push_back({"Service", "Environment", std::string(unit_line_limit - sizeof("Environment="), 'x')});
    unit.options.push_back({"X-Fleet", "", ""});
    const TestCall call;
    cluster.open()->apply(unit, call);

    const auto units = cluster.units();
    REQUIRE(units.size() == 1);
    CHECK(units[0].unit == unit);
}

TEST_CASE("mock: the state file has fleet's schema, units in numeric order, options one a line") {
    const MockCluster cluster;
    const auto target = cluster.open();
    const TestCall call;
    target->apply(unit_running("foo@10.service", "/bin/foo"), call);
    const Unit second{"foo@2.service", {{"Unit", "After", "a"}, {"Service", "ExecStart", "b"}}, DesiredState::loaded};
    target->apply(second, call);

    const auto hash = unit_file_hash(second.options);
    const auto other_hash = unit_file_hash(unit_running("", "/bin/foo").options);
    CHECK(cluster.text() == R"({"units": [
  {"name": "foo@2.service",
    "options": [
      {"section": "Unit", "name": "After", "value": "a"},
      {"section": "Service", "name": "ExecStart", "value": "b"}],
    "desiredState": "loaded", "currentState": "loaded", "hash": ")" +
                                hash +
                                R"("},
  {"name": "foo@10.service",
    "options": [
      {"section": "Service", "name": "ExecStart", "value": "/bin/foo"}],
    "desiredState": "launched", "currentState": "launched", "hash": ")" +
                                other_hash + "\"}\n]}\n");
}

TEST_CASE("mock: applying what is there already leaves the file alone") {
    const MockCluster cluster;
    const auto target = cluster.open();
    const TestCall call;
    const auto unit = unit_running("foo.service", "/bin/foo");
    target->apply(unit, call);
    // Blank lines at the end, which a rewrite of the file would remove.
    cluster.write(cluster.text() + "\n\n");
    const auto before = cluster.text();

    target->apply(unit, call);
    target->set_desired_state("foo.service", DesiredState::launched, call);
    target->destroy("bar.service", call);
    CHECK(cluster.text() == before);

    target->apply(unit_running("foo.service", "/bin/other"), call);
    CHECK(cluster.text() != before);
}

TEST_CASE("mock: a unit is replaced, its desired state set, and destroyed") {
    const MockCluster cluster;
    const auto target = cluster.open();
    const TestCall call;
    const auto keep = unit_running("keep.service", "/bin/keep");
    target->apply(keep, call);
    const auto old = unit_running("foo.service", "/bin/old");
    target->apply(old, call);
    auto unit = unit_running("foo.service", "/bin/new");
    target->apply(unit, call);
    CHECK(target->status(unit, call).readiness == Readiness::ready);
    CHECK(target->status(old, call).readiness == Readiness::waiting);

    target->set_desired_state("foo.service", DesiredState::loaded, call);
    CHECK(target->status(unit, call).readiness == Readiness::waiting);
    unit.desired_state = DesiredState::loaded;
    CHECK(target->status(unit, call).readiness == Readiness::ready);
    REQUIRE(cluster.units().size() == 2);
    CHECK(cluster.units()[0].unit == unit);

    target->destroy("foo.service", call);
    CHECK(cluster.names() == std::vector<std::string>{"keep.service"});
    CHECK(cluster.units()[0].unit == keep);
    CHECK(target->status(unit, call).readiness == Readiness::absent);
}

TEST_CASE("mock: setting the state of an absent unit is not_found, destroying it a success") {
    const MockCluster cluster;
    const auto target = cluster.open();
    const TestCall call;
    const auto problem = thrown_by([&] { target->set_desired_state("foo.service", DesiredState::loaded, call); });
    CHECK(problem.kind() == ErrorKind::not_found);
    CHECK(std::string(problem.what()) == "foo.service is not in the cluster");
    target->destroy("foo.service", call);
    CHECK_FALSE(cluster.directory().exists("cluster.json"));
}

TEST_CASE("mock: units that fleet would refuse are rejected and leave no trace") {
    const MockCluster cluster;
    const auto target = cluster.open();
    const TestCall call;
    const auto check_rejected = [&](const Unit& unit, std::string_view fragment) {
        const auto problem = thrown_by([&] { target->apply(unit, call); });
        CHECK(problem.kind() == ErrorKind::rejected);
        CHECK(says(problem, fragment));
    };
    check_rejected(unit_running("no type", "/bin/foo"), "");
    check_rejected(unit_running("@foo.service", "/bin/foo"), "");
    check_rejected({"foo.service", {}, DesiredState::launched}, "no options");
    check_rejected(unit_running("foo.service", std::string(unit_line_limit - sizeof("ExecStart=") + 1, 'x')),
                   "option 1 is a line of 1048576 bytes");
    check_rejected(unit_running("foo.service", "caf\xe9"), "option 1 is not UTF-8");
    check_rejected(unit_running("foo.service", "\xed\xa0\x80"), "not UTF-8");
    check_rejected(unit_running("foo.service", "\xf0\x9f"), "not UTF-8");
    check_rejected(unit_running("foo.service", std::string("a\0b", 3)), "NUL");
    CHECK_FALSE(cluster.directory().exists("cluster.json"));
}

TEST_CASE("mock: during the delay a unit is on its way, afterwards it is there") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("delay: 1h");
    const auto unit = unit_running("foo.service", "/bin/foo");
    target->apply(unit, call);
    CHECK(target->list(call)[0].current_state == "inactive");
    const auto status = target->status(unit, call);
    CHECK(status.readiness == Readiness::waiting);
    CHECK(status.detail == "inactive, on its way to launched");

    SECTION("an hour later") {
        let_the_delay_pass(cluster);
        CHECK(target->list(call)[0].current_state == "launched");
        CHECK(holds(cluster.text(), "pending"));
        // The call of status() updates the file.
        CHECK(target->status(unit, call).readiness == Readiness::ready);
        CHECK_FALSE(holds(cluster.text(), "pending"));
        CHECK(holds(cluster.text(), R"("currentState": "launched")"));
    }
    SECTION("a change meanwhile starts the delay anew") {
        const auto other = unit_running("foo.service", "/bin/other");
        cluster.open()->apply(other, call);
        CHECK(target->status(other, call).readiness == Readiness::ready);
        CHECK(target->status(unit, call).readiness == Readiness::waiting);
    }
}

TEST_CASE("mock: a replaced unit still shows its old state, and is not ready for it") {
    const MockCluster cluster;
    const TestCall call;
    const auto old = unit_running("foo.service", "/bin/old");
    cluster.open()->apply(old, call);
    const auto target = cluster.open("delay: 1h");
    const auto unit = unit_running("foo.service", "/bin/new");
    target->apply(unit, call);
    CHECK(target->list(call)[0].current_state == "launched");
    CHECK(target->status(unit, call).readiness == Readiness::waiting);
    CHECK(target->status(old, call).readiness == Readiness::waiting);
    target->set_desired_state(unit.name, DesiredState::inactive, call);
    CHECK(target->list(call)[0].current_state == "launched");
}

TEST_CASE("mock: the file says that an update has come to its end, though the state is what it was") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("delay: 1h");
    for (const auto* command : {"/bin/old", "/bin/new"}) {
        const auto unit = unit_running("foo.service", command);
        target->apply(unit, call);
        CHECK(holds(cluster.text(), "pending"));
        let_the_delay_pass(cluster);
        CHECK(target->status(unit, call).readiness == Readiness::ready);
        CHECK_FALSE(holds(cluster.text(), "pending"));
    }
}

TEST_CASE("mock: a short delay passes by itself") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("delay: 30ms");
    auto unit = unit_running("foo.service", "/bin/foo");
    target->apply(unit, call);
    CHECK(wait_until_settled(*target, unit).readiness == Readiness::ready);
    target->set_desired_state(unit.name, DesiredState::inactive, call);
    unit.desired_state = DesiredState::inactive;
    CHECK(wait_until_settled(*target, unit).readiness == Readiness::ready);
    CHECK(target->list(call)[0].current_state == "inactive");
}

TEST_CASE("mock: contents that differ only in white space are one version [R16]", "[R16]") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open();
    target->apply(unit_running("foo.service", "/bin/foo  a"), call);
    CHECK(target->status(unit_running("foo.service", "/bin/foo a"), call).readiness == Readiness::ready);
}
