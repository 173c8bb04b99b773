#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/local_cluster.hpp"
#include "support/mock_cluster.hpp"
#include "support/thrown_error.hpp"

#include <deployer/error.hpp>
#include <deployer/unit_file.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

UnitStatus wait_until_settled(Target& target, const Unit& unit) {
    const TestCall call;
    for (;;) {
        auto status = target.status(unit, call);
        if (status.readiness != Readiness::waiting) return status;
        static_cast<const Call&>(call).check("waiting for " + unit.name);
        std::this_thread::sleep_for(1ms);
    }
}

/// Moves the moment at which the one unit on its way gets there far into the past.
void let_the_delay_pass(const MockCluster& cluster) {
    auto text = cluster.text();
    REQUIRE(holds(text, R"("at": ")"));
    const auto at = text.find(R"("at": ")") + 7;
    cluster.write(text.replace(at, 4, "2001"));
}

void check_refused(std::string_view yaml, std::string_view fragment) {
    const auto problem = thrown_by([&] { load_target("target-mock", yaml); });
    CHECK(problem.kind() == ErrorKind::misconfigured);
    CHECK(says(problem, fragment));
}

/// The settings of each row of the README's last table, as lines of a block.
std::vector<std::string> settings_to_try() {
    std::vector<std::string> all;
    std::ifstream in(std::filesystem::path(DEPLOYER_SOURCE_DIR) / "plugins/target-mock/README.md");
    bool begun = false;
    for (std::string line; std::getline(in, line);) {
        begun = begun || line == "## To try";
        if (!begun || !line.starts_with("| `")) continue;
        std::string settings;
        for (std::size_t at = line.find('`'); at < line.find(" | ");) {
            const auto end = line.find('`', at + 1);
            settings += "  " + line.substr(at + 1, end - at - 1) + "\n";
            at = line.find('`', end + 1);
        }
        all.push_back(settings);
    }
    return all;
}

/// The demo, deployed to a mock with these settings.
class Demo {
public:
    explicit Demo(const std::string& settings)
        : cluster_(settings, "  rollout: {timeout: 500ms, poll: 10ms}\n"), first_(deploy()) {}

    [[nodiscard]] const LocalCluster::Ended& first() const { return first_; }
    [[nodiscard]] LocalCluster::Ended once() const { return cluster_.once(); }
    [[nodiscard]] std::size_t size() const { return cluster_.units().size(); }

    /// Another version of the presses.
    [[nodiscard]] std::vector<std::string> update() const {
        auto services = cluster_.dir().read("demo/services.yaml");
        cluster_.dir().write("demo/services.yaml", services.replace(services.find("1.10"), 4, "1.11"));
        return changes_of(cluster_.once());
    }

private:
    LocalCluster::Ended deploy() {
        std::filesystem::copy(std::filesystem::path(DEPLOYER_SOURCE_DIR) / "etc/demo", cluster_.dir().path("demo"));
        cluster_.use_source("demo");
        return cluster_.once();
    }

    LocalCluster cluster_;
    LocalCluster::Ended first_;
};

}  // namespace

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
    // A mark that rewriting the file would wipe out.
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
        // The question makes the file say it.
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

TEST_CASE("mock: units named by `fail` fail when they are launched, and say so") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("fail: ['bad-*', 'worse@[12].service']");
    for (const auto* name : {"bad-one.service", "worse@2.service"}) {
        const auto unit = unit_running(name, "/bin/bad");
        target->apply(unit, call);
        const auto status = target->status(unit, call);
        CHECK(status.readiness == Readiness::failed);
        CHECK(status.detail == "failed");
        const auto loaded = unit_running(name, "/bin/bad", DesiredState::loaded);
        target->apply(loaded, call);
        CHECK(target->status(loaded, call).readiness == Readiness::ready);
    }
    const auto other = unit_running("worse@3.service", "/bin/good");
    target->apply(other, call);
    CHECK(target->status(other, call).readiness == Readiness::ready);
}

TEST_CASE("mock: units that fail do so after the delay") {
    const MockCluster cluster;
    const TestCall call;
    const auto unit = unit_running("bad.service", "/bin/bad");
    const auto slow = cluster.open("delay: 1h\nfail: [bad.service]");
    slow->apply(unit, call);
    CHECK(slow->status(unit, call).readiness == Readiness::waiting);
    const auto other = unit_running("bad.service", "/bin/worse");
    const auto quick = cluster.open("delay: 1ms\nfail: [bad.service]");
    quick->apply(other, call);
    CHECK(wait_until_settled(*quick, other).readiness == Readiness::failed);
}

TEST_CASE("mock: units named by `never_ready` stay waiting, also when they ran before") {
    const MockCluster cluster;
    const TestCall call;
    cluster.open()->apply(unit_running("stuck.service", "/bin/old"), call);
    const auto target = cluster.open("never_ready: [stuck*]");
    const auto unit = unit_running("stuck.service", "/bin/new");
    target->apply(unit, call);
    CHECK(target->status(unit, call).readiness == Readiness::waiting);
    CHECK(target->list(call)[0].current_state == "inactive");
    CHECK_FALSE(holds(cluster.text(), "pending"));
}

TEST_CASE("mock: units named by `refuse` are rejected, others are not") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("refuse: ['foo@*']");
    const auto problem = thrown_by([&] { target->apply(unit_running("foo@1.service", "/bin/foo"), call); });
    CHECK(problem.kind() == ErrorKind::rejected);
    CHECK(says(problem, "refuse"));
    target->apply(unit_running("bar.service", "/bin/bar"), call);
    CHECK(cluster.names() == std::vector<std::string>{"bar.service"});
}

TEST_CASE("mock: every nth call is unavailable and does nothing") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("unavailable_every: 3");
    target->apply(unit_running("a.service", "/bin/a"), call);
    target->apply(unit_running("b.service", "/bin/b"), call);
    const auto problem = thrown_by([&] { target->apply(unit_running("c.service", "/bin/c"), call); });
    CHECK(problem.kind() == ErrorKind::unavailable);
    CHECK(says(problem, "unavailable_every"));
    CHECK(target->list(call).size() == 2);
    target->destroy("a.service", call);
    CHECK(thrown_by([&] { target->list(call); }).kind() == ErrorKind::unavailable);
    CHECK(cluster.names() == std::vector<std::string>{"b.service"});
}

TEST_CASE("mock: every nth listing leaves units out, and says so in the log") {
    const MockCluster cluster;
    TestCall call;
    const auto target = cluster.open("incomplete_list_every: 2");
    for (int node = 1; node <= 6; ++node) {
        target->apply(unit_running("foo@" + std::to_string(node) + ".service", "/bin/foo"), call);
    }
    CHECK(target->list(call).size() == 6);
    CHECK(call.log().lines().empty());
    const auto some = target->list(call);
    CHECK(call.log().holds("leaves 2 of 6 units out"));
    REQUIRE(some.size() == 4);
    CHECK(some[0].unit.name == "foo@2.service");
    CHECK(some[3].unit.name == "foo@5.service");
    CHECK(target->list(call).size() == 6);
    CHECK(cluster.units().size() == 6);
}

TEST_CASE("mock: a slow call ends at its deadline and at stop, without effect [R8]", "[R8]") {
    const MockCluster cluster;
    const auto target = cluster.open("latency: 1h");
    const auto unit = unit_running("foo.service", "/bin/foo");
    SECTION("deadline") {
        const TestCall call(20ms);
        const auto problem = thrown_by([&] { target->apply(unit, call); });
        CHECK(problem.kind() == ErrorKind::unavailable);
        CHECK(std::string(problem.what()) == "applying a unit did not finish in time");
    }
    SECTION("stop") {
        TestCall call;
        std::jthread stopper([&call] {
            std::this_thread::sleep_for(20ms);
            call.request_stop();
        });
        const auto problem = thrown_by([&] { target->apply(unit, call); });
        CHECK(problem.kind() == ErrorKind::cancelled);
    }
    CHECK_FALSE(cluster.directory().exists("cluster.json"));
}

TEST_CASE("mock: latency delays a call and no more") {
    const MockCluster cluster;
    const TestCall call;
    const auto target = cluster.open("latency: 20ms");
    const auto before = std::chrono::steady_clock::now();
    target->apply(unit_running("foo.service", "/bin/foo"), call);
    CHECK(std::chrono::steady_clock::now() - before >= 20ms);
    CHECK(cluster.units().size() == 1);
}

TEST_CASE("mock: the path of the state file names the cluster, without a look at it") {
    const MockCluster cluster;
    CHECK(cluster.open()->identity() == "mock:" + cluster.file().string());

    const auto& directory = cluster.directory();
    const auto identity_at = [&](const std::string& path) {
        return load_target("target-mock", settings_from("state_file: " + path, directory.path()))->identity();
    };
    const auto name = "mock:" + directory.path("some/state.json").string();
    CHECK(identity_at("some/state.json") == name);
    CHECK(identity_at("some/absent/.././state.json") == name);
    CHECK(identity_at("other.json") != name);
    // Of one that is there: a link is a name like any other.
    std::filesystem::create_directories(directory.path("real"));
    std::filesystem::create_directory_symlink(directory.path("real"), directory.path("some"));
    CHECK(identity_at("some/state.json") == name);
}

TEST_CASE("mock: what the README gives to try shows what it says") {
    using Changes = std::vector<std::string>;
    const auto rows = settings_to_try();
    CHECK(rows.size() == 5);
    const auto settings = GENERATE_COPY(from_range(rows));
    CAPTURE(settings);
    const Demo demo(settings);
    INFO(demo.first().err);
    if (settings.starts_with("  never_ready")) {
        CHECK(demo.first().status == 0);
        CHECK(demo.update() == Changes{"update press@1.service skipped", "update press@2.service failed",
                                       "update press@3.service skipped"});
    } else if (settings.starts_with("  fail")) {
        CHECK(demo.first().status == 0);
        CHECK(demo.update() == Changes{"update press@1.service failed", "update press@2.service skipped",
                                       "update press@3.service skipped"});
    } else if (settings.starts_with("  refuse")) {
        const auto changes = changes_of(demo.first());
        CHECK(std::count(changes.begin(), changes.end(), "create press@1.service failed") == 1);
        CHECK(demo.size() == 9);
    } else if (settings.starts_with("  unavailable_every")) {
        CHECK(demo.first().status == 1);
        CHECK(demo.size() < 10);
        CHECK(eventually([&] { return demo.once().status == 0; }));
        CHECK(demo.size() == 10);
    } else {
        CHECK(settings.starts_with("  incomplete_list_every"));
        CHECK(demo.first().status == 0);
        const auto changes = demo.update();
        CHECK(std::count(changes.begin(), changes.end(), "create lighthouse.service done") == 1);
        CHECK(demo.size() == 10);
    }
}

TEST_CASE("mock: settings are checked [R6]", "[R6]") {
    check_refused("delay: 2s", "state_file");
    check_refused("state_file: /tmp/", "state_file");
    check_refused("state_file: /tmp/x\ndelay: soon", "delay");
    check_refused("state_file: /tmp/x\nlatency: 5 parsecs", "latency");
    check_refused("state_file: /tmp/x\nfail: {a: b}", "fail");
    check_refused("state_file: /tmp/x\nunavailable_every: -1", "unavailable_every");
    check_refused("state_file: /tmp/x\nincomplete_list_every: often", "incomplete_list_every");
    check_refused("state_file: /tmp/x\nnever_redy: [a]", "never_ready");
}
