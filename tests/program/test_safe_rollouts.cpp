#include "support/catch.hpp"
#include "support/holds.hpp"
#include "support/http_server.hpp"
#include "support/loaded_plugin.hpp"
#include "support/local_cluster.hpp"
#include "support/local_fleet.hpp"
#include "support/test_call.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;
using Ended = LocalCluster::Ended;

const std::string impatient = "  rollout: {timeout: 300ms, poll: 10ms}\n";
const std::string patient = "  interval: 100ms\n  rollout: {timeout: 10m, poll: 20ms}\n";

std::string with_on_timeout(const std::string& what) {
    return "  rollout: {timeout: 300ms, poll: 10ms, on_timeout: " + what + "}\n";
}

/// foo goes node by node.
const std::string sequential_foo = "services:\n- {name: foo@.service, count: 3, sequentialDeployment: true}\n";

Versions foo_with(const std::string& first, const std::string& second, const std::string& third) {
    return {{"foo@1.service", first}, {"foo@2.service", second}, {"foo@3.service", third}};
}

/// How the report says that a service ended; empty when it says nothing of it.
std::string outcome_of(const Ended& ended, const std::string& service) {
    const auto groups = ended.json()->getArray("groups");
    for (unsigned i = 0; i < groups->size(); ++i) {
        const auto group = groups->getObject(i);
        if (group->getValue<std::string>("service") == service) return group->getValue<std::string>("outcome");
    }
    return {};
}

std::string detail_of(const Ended& ended, const std::string& service) {
    const auto groups = ended.json()->getArray("groups");
    for (unsigned i = 0; i < groups->size(); ++i) {
        const auto group = groups->getObject(i);
        if (group->getValue<std::string>("service") == service) return group->optValue<std::string>("detail", "");
    }
    return {};
}

Poco::JSON::Array::Ptr array_in(const Ended& ended) {
    return Poco::JSON::Parser().parse(ended.out).extract<Poco::JSON::Array::Ptr>();
}

Program start(const LocalCluster& cluster, const std::string& command) {
    return Program({command, "--config", cluster.config(), "--output", "json"});
}

bool says_in_time(const Program& program, const std::string& text) {
    return eventually([&] { return program.err().find(text) != std::string::npos; });
}

/// Health checks, at whatever url.
class HealthDouble {
public:
    explicit HealthDouble(std::function<bool(const HttpRequest&)> is_healthy)
        : server_([is_healthy = std::move(is_healthy)](const HttpRequest& request) {
              return HttpReply{.status = is_healthy(request) ? 200 : 503};
          }) {}

    /// The block of the configuration.
    [[nodiscard]] std::string block(const std::string& path) const {
        return "health: {plugin: health-http, url: \"" + server_.url(path) + "\", format: status}\n";
    }
    [[nodiscard]] const HttpServer& server() const { return server_; }

private:
    HttpServer server_;
};

/// Of a service that one node of a bad version makes unhealthy.
bool has_no_bad_node(const LocalCluster& cluster) {
    const auto versions = versions_of(cluster);
    return std::none_of(versions.begin(), versions.end(),
                        [](const auto& unit) { return unit.second.starts_with("bad"); });
}

/// A cluster, simulated or fleet's, in which one node of one version never comes up.
class Site {
public:
    Site(bool is_fleet, const std::string& reconcile) : is_fleet_(is_fleet), reconcile_(reconcile), fleet_(reconcile) {
        if (!is_fleet_) fleet_.local.use_target("  plugin: target-mock\n  state_file: cluster.json\n");
    }

    LocalCluster& local() { return fleet_.local; }
    [[nodiscard]] Versions versions() const { return is_fleet_ ? fleet_.versions() : versions_of(fleet_.local); }

    void break_node(const std::string& unit, const std::string& version) {
        broken_ = unit;
        if (is_fleet_) {
            fleet_.fleet.behave(unit, FleetDouble::Behaviour::hang, version);
        } else {
            // By its name: there is no other way, so mend() is needed.
            fleet_.local.configure("  never_ready: [\"" + unit + "\"]\n", reconcile_);
        }
    }
    void mend() { fleet_.local.configure("", reconcile_); }

    /// `once`. In the simulated cluster somebody starts the broken node by hand when it has its former version again.
    Ended once_with_help(const std::string& former) {
        auto program = start(local(), "once");
        const TestCall call;
        const auto hand = load_target("target-mock", "state_file: \"" + local().state_file().string() + "\"\n");
        bool was_changed = false;
        while (!program.ended()) {
            const auto now = is_fleet_ ? Versions() : versions();
            const auto node = now.find(broken_);
            const auto is = node == now.end() ? std::string() : node->second;
            was_changed = was_changed || !is.starts_with(former);
            if (was_changed && is == former + " down") {
                hand->set_desired_state(broken_, DesiredState::inactive, call);
                hand->set_desired_state(broken_, DesiredState::launched, call);
            }
            std::this_thread::sleep_for(2ms);
        }
        return {program.wait(), program.out(), program.err()};
    }

    /// Changes when the cluster is written to.
    [[nodiscard]] std::string writes() const {
        return is_fleet_ ? std::to_string(fleet_.fleet.writes().size()) : fleet_.local.dir().read("cluster.json");
    }

private:
    bool is_fleet_;
    std::string reconcile_;
    LocalFleet fleet_;
    std::string broken_;
};

/// A service that goes node by node, and two others.
void declare_three(LocalCluster& cluster, const std::string& foo, const std::string& others) {
    cluster.put_unit("foo@.service", foo);
    cluster.put_unit("plain@.service", others);
    cluster.put_unit("other@.service", others);
    cluster.declare(sequential_foo +
                    "- {name: plain@.service, count: 2}\n"
                    "- {name: other@.service, count: 2, sequentialDeployment: true}\n");
}

Versions with_others(Versions versions, const std::string& others) {
    for (const auto* unit : {"plain@1.service", "plain@2.service", "other@1.service", "other@2.service"}) {
        versions[unit] = others;
    }
    return versions;
}

/// foo@1.service and its siblings in the simulated cluster, at v1, and then v2, which ended badly.
void halt(LocalCluster& cluster) {
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.configure("  fail: [\"foo@1.service\"]\n", impatient);
    cluster.put_unit("foo@.service", "v2");
    const auto ended = cluster.once();
    INFO(ended.out << ended.err);
    REQUIRE(ended.status == 4);
}

}  // namespace

TEST_CASE("a version that does not become ready is left alone, the rest runs on, and a fix goes through by itself",
          "[R41][R42][R43]") {
    const bool is_fleet = GENERATE(false, true);
    const bool rolls_back = GENERATE(false, true);
    const int broken = GENERATE(1, 2);
    CAPTURE(is_fleet, rolls_back, broken);
    Site site(is_fleet, with_on_timeout(rolls_back ? "rollback" : "halt"));
    auto& local = site.local();
    declare_three(local, "v1", "v1");
    REQUIRE(local.once().status == 0);
    REQUIRE(eventually([&] {
        return site.versions() == with_others(foo_with("v1 running", "v1 running", "v1 running"), "v1 running");
    }));

    site.break_node("foo@" + std::to_string(broken) + ".service", "v2");
    declare_three(local, "v2", "v2");
    const auto ended = rolls_back ? site.once_with_help("v1") : local.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == (rolls_back ? 5 : 4));
    CHECK(result_of(ended) == (rolls_back ? "rolled_back" : "halted"));
    CHECK(outcome_of(ended, "foo") == (rolls_back ? "rolled_back" : "halted"));
    CHECK(outcome_of(ended, "plain") == "applied");
    CHECK(outcome_of(ended, "other") == "applied");
    const auto end = with_others(rolls_back    ? foo_with("v1 running", "v1 running", "v1 running")
                                 : broken == 1 ? foo_with("v2 down", "v1 running", "v1 running")
                                               : foo_with("v2 running", "v2 down", "v1 running"),
                                 "v2 running");
    CHECK(eventually([&] { return site.versions() == end; }, 5s));
    CHECK(site.versions() == end);

    const auto writes = site.writes();
    for (int i = 0; i < 2; ++i) {
        const auto again = local.once();
        INFO(again.out << again.err);
        CHECK(again.status == 6);
        CHECK(result_of(again) == "quarantined");
        CHECK(outcome_of(again, "foo") == "quarantined");
        CHECK(changes_of(again).empty());
    }
    CHECK(site.writes() == writes);

    site.mend();
    declare_three(local, "v3", "v2");
    const auto fixed = local.once();
    INFO(fixed.out << fixed.err);
    CHECK(fixed.status == 0);
    CHECK(result_of(fixed) == "applied");
    const auto mended = with_others(foo_with("v3 running", "v3 running", "v3 running"), "v2 running");
    CHECK(eventually([&] { return site.versions() == mended; }, 5s));
    CHECK(result_of(local.once()) == "in_sync");
}

TEST_CASE("what has failed for good is not waited for", "[R42]") {
    const bool is_fleet = GENERATE(false, true);
    LocalFleet fleet(patient);
    auto& local = fleet.local;
    if (!is_fleet) local.use_target("  plugin: target-mock\n  state_file: cluster.json\n");
    local.put_unit("foo@.service", "v1");
    local.declare(sequential_foo);
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    fleet.fleet.behave("*", FleetDouble::Behaviour::fail, "v2");
    if (!is_fleet) local.configure("  fail: [\"*\"]\n", patient);
    local.put_unit("foo@.service", "v2");
    const auto ended = local.once();
    CHECK(ended.status == 4);
    CHECK(holds(detail_of(ended, "foo"), "foo@1.service"));
    CHECK(holds(detail_of(ended, "foo"), "failed"));
    CHECK((is_fleet ? fleet.versions() : versions_of(local)) == foo_with("v2 down", "v1 running", "v1 running"));
}

TEST_CASE("each outcome of once has an exit status of its own, and shows in the report") {
    LocalCluster cluster("", impatient);
    cluster.put_unit("foo@.service", "v1");
    cluster.put_unit("plain.service", "v1");
    const auto services = sequential_foo + "- name: plain.service\n";
    cluster.declare(services);
    const auto first = cluster.once();
    REQUIRE(first.status == 0);
    REQUIRE(result_of(first) == "applied");
    REQUIRE(outcome_of(first, "foo") == "applied");
    cluster.put_unit("plain.service", "v2");

    SECTION("degraded") {
        cluster.configure("  refuse: [plain.service]\n", impatient);
        const auto ended = cluster.once();
        CHECK(ended.status == 3);
        CHECK(result_of(ended) == "degraded");
        CHECK(outcome_of(ended, "plain") == "degraded");
    }
    SECTION("halted, and then quarantined") {
        cluster.configure("  never_ready: [\"foo@1.service\"]\n", impatient);
        cluster.put_unit("foo@.service", "v2");
        const auto ended = cluster.once();
        CHECK(ended.status == 4);
        CHECK(result_of(ended) == "halted");
        CHECK(holds(detail_of(ended, "foo"), "foo@1.service was not ready after 300ms: inactive"));
        CHECK(changes_of(ended) == Names{"update foo@1.service failed", "update foo@2.service skipped",
                                         "update foo@3.service skipped", "update plain.service done"});
        CHECK(cluster.once().status == 6);
        CHECK(holds(cluster.run("once").out, "quarantined"));
    }
    SECTION("held") {
        cluster.put("foo@.service", "no unit file\n");
        const auto ended = cluster.once();
        CHECK(ended.status == 7);
        CHECK(result_of(ended) == "held");
        CHECK(outcome_of(ended, "plain") == "applied");
        CHECK(ended.json()->getArray("held")->size() == 1);
    }
    SECTION("superseded") {
        cluster.configure("  never_ready: [\"foo@1.service\"]\n", patient);
        cluster.put_unit("foo@.service", "v2");
        auto program = start(cluster, "once");
        REQUIRE(says_in_time(program, "waiting until foo@1.service is ready"));
        cluster.put_unit("foo@.service", "v3");
        CHECK(program.wait(20s) == 8);
        const Ended ended{8, program.out(), program.err()};
        CHECK(result_of(ended) == "superseded");
        CHECK(outcome_of(ended, "foo") == "superseded");
        CHECK(outcome_of(ended, "plain") == "applied");
        CHECK(changes_of(ended) == Names{"update foo@1.service superseded", "update foo@2.service skipped",
                                         "update foo@3.service skipped", "update plain.service done"});
    }
    SECTION("paused") {
        REQUIRE(cluster.run("pause", {"plain", "--reason", "a test"}).status == 0);
        const auto ended = cluster.once();
        CHECK(ended.status == 9);
        CHECK(result_of(ended) == "paused");
        CHECK(outcome_of(ended, "plain") == "paused");
        CHECK(versions_of(cluster).at("plain.service") == "v1 running");
    }
}

TEST_CASE("status and history say what was quarantined and why, for people and for programs", "[R43]") {
    LocalCluster cluster("", impatient);
    halt(cluster);
    const auto status = cluster.run("status");
    CHECK(status.status == 0);
    CHECK(holds(status.out, "quarantined  foo: foo@1.service will not become ready: failed (halted "));
    CHECK(holds(status.out, "coco-fleet-deployer retry foo"));
    CHECK(holds(status.out, "applied "));
    CHECK(holds(status.out, "attempted "));
    CHECK(holds(status.out, "not ready    foo@1.service"));
    const auto json = cluster.run("status", {"--output", "json"}).json();
    CHECK(json->getValue<std::string>("applied") != json->getValue<std::string>("attempted"));
    REQUIRE(json->getArray("quarantined")->size() == 1);
    const auto entry = json->getArray("quarantined")->getObject(0);
    CHECK(entry->getValue<std::string>("service") == "foo");
    CHECK(entry->getValue<std::string>("outcome") == "halted");
    CHECK(holds(entry->getValue<std::string>("reason"), "foo@1.service"));
    CHECK(json->getArray("paused")->empty());

    const auto history = cluster.run("history");
    CHECK(history.status == 0);
    const auto halted = history.out.find("halted");
    const auto applied = history.out.find("applied");
    REQUIRE(halted != std::string::npos);
    REQUIRE(applied != std::string::npos);
    CHECK(halted < applied);
    CHECK(holds(history.out, "foo  halted: foo@1.service"));
    const auto entries = array_in(cluster.run("history", {"--output", "json"}));
    REQUIRE(entries->size() == 2);
    const auto last = entries->getObject(0);
    CHECK(last->getValue<std::string>("result") == "halted");
    CHECK(last->getArray("groups")->getObject(0)->getValue<std::string>("service") == "foo");
    CHECK(last->getArray("groups")->getObject(0)->getValue<std::string>("outcome") == "halted");
    CHECK(entries->getObject(1)->getValue<std::string>("result") == "applied");
}

TEST_CASE("before anything was done, status and history say so") {
    const LocalCluster cluster;
    CHECK(holds(cluster.run("status").out, "none"));
    CHECK(holds(cluster.run("history").out, "no cycle has changed anything yet"));
    CHECK(array_in(cluster.run("history", {"--output", "json"}))->empty());
    CHECK(cluster.run("status", {"--output", "json"}).json()->getArray("quarantined")->empty());
}

TEST_CASE("retry has the same content tried once more", "[R43]") {
    LocalCluster cluster("", impatient);
    halt(cluster);
    REQUIRE(cluster.once().status == 6);

    const auto unknown = cluster.run("retry", {"bar"});
    CHECK(unknown.status == 1);
    CHECK(holds(unknown.err, "\"bar\" is not quarantined; quarantined services: foo"));
    CHECK(cluster.once().status == 6);

    const auto retried = cluster.run("retry", {GENERATE("foo", "foo@1.service", "foo@.service", "foo@3.service")});
    CHECK(retried.status == 0);
    CHECK(holds(retried.out, "\"foo\" is tried again in the next cycle"));
    CHECK(cluster.run("status").out.find("quarantined") == std::string::npos);
    SECTION("in vain") {
        const auto ended = cluster.once();
        INFO(ended.out << ended.err);
        CHECK(ended.status == 4);
        CHECK(cluster.once().status == 6);
        CHECK(versions_of(cluster) == foo_with("v2 down", "v1 running", "v1 running"));
    }
    SECTION("when somebody has started the node") {
        cluster.configure("", impatient);
        const TestCall call;
        const auto hand = load_target("target-mock", "state_file: \"" + cluster.state_file().string() + "\"\n");
        hand->set_desired_state("foo@1.service", DesiredState::inactive, call);
        hand->set_desired_state("foo@1.service", DesiredState::launched, call);
        const auto ended = cluster.once();
        INFO(ended.out << ended.err);
        CHECK(ended.status == 0);
        CHECK(versions_of(cluster) == foo_with("v2 running", "v2 running", "v2 running"));
        CHECK(cluster.run("retry", {"foo"}).status == 1);
        CHECK(holds(cluster.run("retry", {"foo"}).err, "\"foo\" is not quarantined; no service is"));
    }
}

TEST_CASE("retry --all has everything tried once more that is quarantined, and lists it", "[R43]") {
    LocalCluster cluster("", impatient);
    CHECK(cluster.run("retry", {"--all"}).status == 1);
    halt(cluster);
    CHECK(cluster.run("retry").status == 64);
    const auto retried = cluster.run("retry", {"--all"});
    CHECK(retried.status == 0);
    CHECK(retried.out == "\"foo\" is tried again in the next cycle\n");
    CHECK(cluster.once().status == 4);
    const auto again = cluster.run("retry", {"--all"});
    CHECK(again.status == 0);
    const auto nothing = cluster.run("retry", {"--all"});
    CHECK(nothing.status == 1);
    CHECK(holds(nothing.err, "no service is quarantined"));
}

TEST_CASE("retry, pause and resume work beside a daemon", "[R43]") {
    LocalFleet fleet("  interval: 50ms\n  rollout: {timeout: 300ms, poll: 10ms}\n");
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.put_unit("plain.service", "v1");
    local.declare(sequential_foo + "- name: plain.service\n");
    Program daemon({"run", "--config", local.config()});
    const auto all_are = [&](const std::string& foo, const std::string& plain) {
        auto expected = foo_with(foo, foo, foo);
        expected["plain.service"] = plain;
        return eventually([&] { return fleet.versions() == expected; }, 20s);
    };
    REQUIRE(all_are("v1 running", "v1 running"));
    const auto status_has = [&](const std::string& text) {
        return eventually([&] { return local.run("status").out.find(text) != std::string::npos; }, 20s);
    };

    SECTION("retry") {
        fleet.fleet.behave("foo@*", FleetDouble::Behaviour::hang, "v2");
        local.put_unit("foo@.service", "v2");
        REQUIRE(status_has("quarantined  foo"));
        // What comes next has its way, and foo is left alone.
        local.put_unit("plain.service", "v2");
        REQUIRE(eventually([&] { return fleet.versions().at("plain.service") == "v2 running"; }, 20s));
        CHECK(fleet.versions().at("foo@1.service") == "v2 down");
        CHECK(fleet.versions().at("foo@2.service") == "v1 running");
        CHECK(fleet.fleet.count("PUT foo@1.service") == 2);
        fleet.fleet.behave("foo@*", FleetDouble::Behaviour::run, "v2");
        // Whatever kept it down is gone, and it is started again.
        const auto options = fleet.fleet.find("foo@1.service")->options;
        fleet.fleet.add({"foo@1.service", options, DesiredState::launched});
        CHECK(local.run("retry", {"foo"}).status == 0);
        CHECK(all_are("v2 running", "v2 running"));
        CHECK(eventually([&] { return local.run("status").out.find("quarantined") == std::string::npos; }, 20s));
    }
    SECTION("pause and resume of a service") {
        REQUIRE(local.run("pause", {"foo@2.service", "--reason", "release freeze"}).status == 0);
        CHECK(status_has("paused       foo: release freeze (since "));
        local.put_unit("foo@.service", "v2");
        local.put_unit("plain.service", "v2");
        CHECK(all_are("v1 running", "v2 running"));
        local.put_unit("plain.service", "v3");
        CHECK(all_are("v1 running", "v3 running"));
        CHECK(local.run("resume", {"foo"}).status == 0);
        CHECK(all_are("v2 running", "v3 running"));
    }
    SECTION("pause and resume of everything") {
        REQUIRE(local.run("pause", {"--reason", "release freeze"}).status == 0);
        CHECK(status_has("paused       all services: release freeze (since "));
        local.put_unit("foo@.service", "v2");
        local.put_unit("plain.service", "v2");
        // The new revision was looked at.
        CHECK(status_has("attempted "));
        CHECK(all_are("v1 running", "v1 running"));
        CHECK(local.run("resume").status == 0);
        CHECK(all_are("v2 running", "v2 running"));
    }
    daemon.send(SIGTERM);
    CHECK(daemon.wait(20s) == 0);
}

TEST_CASE("what is paused is left as it is until it is resumed, and plan shows it") {
    LocalCluster cluster("", impatient);
    cluster.put_unit("foo@.service", "v1");
    cluster.put_unit("plain.service", "v1");
    cluster.declare(sequential_foo + "- name: plain.service\n");
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "v2");
    cluster.put_unit("plain.service", "v2");
    const auto before = versions_of(cluster);

    CHECK(cluster.run("pause", {"foo"}).status == 64);
    SECTION("a service") {
        const auto paused = cluster.run("pause", {"foo", "--reason", "release freeze"});
        CHECK(paused.status == 0);
        CHECK(holds(paused.out, "\"foo\" is paused from the next cycle on"));
        const auto plan = cluster.run("plan");
        CHECK(plan.status == 0);
        CHECK(holds(plan.out, "foo: release freeze (since "));
        CHECK(holds(plan.out, "3 changes left"));
        const auto json = cluster.run("plan", {"--output", "json"});
        CHECK(outcome_of(json, "foo") == "paused");
        CHECK(changes_of(json) == Names{"update plain.service planned"});
        CHECK(cluster.once().status == 9);
        const auto after = versions_of(cluster);
        CHECK(after.at("plain.service") == "v2 running");
        CHECK(after.at("foo@1.service") == "v1 running");
        const auto wrong = cluster.run("resume", {"plain"});
        CHECK(wrong.status == 1);
        CHECK(holds(wrong.err, "\"plain\" is not paused; paused: \"foo\""));
        CHECK(cluster.run("resume").status == 1);
        CHECK(cluster.run("resume", {"foo@1.service"}).status == 0);
    }
    SECTION("everything") {
        CHECK(cluster.run("pause", {"--reason", "release freeze"}).status == 0);
        const auto plan = cluster.run("plan");
        CHECK(holds(plan.out, "all services: release freeze (since "));
        CHECK(changes_of(cluster.run("plan", {"--output", "json"})).empty());
        CHECK(cluster.once().status == 9);
        CHECK(versions_of(cluster) == before);
        CHECK(cluster.run("resume", {"foo"}).status == 1);
        CHECK(cluster.run("resume").status == 0);
    }
    CHECK(cluster.once().status == 0);
    CHECK(versions_of(cluster).at("foo@3.service") == "v2 running");
    CHECK(versions_of(cluster).at("plain.service") == "v2 running");
}

TEST_CASE("plan shows what is quarantined and proposes nothing for it", "[R43]") {
    LocalCluster cluster("", impatient);
    halt(cluster);
    const auto plan = cluster.run("plan");
    CHECK(plan.status == 0);
    CHECK(holds(plan.out, "quarantined"));
    CHECK(holds(plan.out, "foo@1.service will not become ready: failed"));
    const auto json = cluster.run("plan", {"--output", "json", "--detailed-exitcode"});
    CHECK(json.status == 0);
    CHECK(result_of(json) == "quarantined");
    CHECK(outcome_of(json, "foo") == "quarantined");
    CHECK(changes_of(json).empty());
}

TEST_CASE("a fix that is committed during a wait goes through within seconds", "[R44]") {
    LocalFleet fleet(patient);
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.declare(sequential_foo);
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    fleet.fleet.behave("*", FleetDouble::Behaviour::hang, "v2");
    local.put_unit("foo@.service", "v2");
    Program daemon({"run", "--config", local.config()});
    REQUIRE(says_in_time(daemon, "waiting until foo@1.service is ready: activating (start)"));
    CHECK(fleet.versions() == foo_with("v2 down", "v1 running", "v1 running"));
    const auto since = fleet.fleet.now();
    local.put_unit("foo@.service", "v3");
    CHECK(eventually([&] { return fleet.versions() == foo_with("v3 running", "v3 running", "v3 running"); }, 15s));
    CHECK(says_in_time(daemon, "superseded by revision "));
    CHECK(fleet.fleet.most_down({"foo@1.service", "foo@2.service", "foo@3.service"}, since) == 1);
    CHECK(eventually([&] { return local.run("history").out.find("applied") != std::string::npos; }));
    CHECK(holds(local.run("history").out, "foo  superseded"));
    CHECK(local.run("status").out.find("quarantined") == std::string::npos);
}

/// `once` on a cluster whose clock stands: it moves on when so many nodes were changed, and from then on little by
/// little, as often as the program looks at it. Gives the exit status.
int once_by_hand(LocalFleet& fleet, std::size_t at_once) {
    auto& cluster = fleet.fleet;
    cluster.forget_requests();
    Program program({"once", "--config", fleet.local.config()});
    CHECK(eventually([&] { return cluster.writes().size() >= at_once; }));
    while (!program.ended()) {
        const auto looks = cluster.count("GET /state");
        if (!eventually([&] { return program.ended() || cluster.count("GET /state") >= looks + 8; })) break;
        cluster.advance(500ms);
    }
    INFO(program.err());
    return program.wait();
}

TEST_CASE("no more nodes are down than max_unavailable allows", "[R41]") {
    const auto most = GENERATE(as<std::size_t>(), 1, 2);
    const auto down_before = GENERATE(as<std::size_t>(), 0, 1, 2);
    CAPTURE(most, down_before);
    LocalFleet fleet("  rollout: {timeout: 10m, poll: 2ms, max_unavailable: " + std::to_string(most) + "}\n",
                     {.speed = 0});
    auto& local = fleet.local;
    const Names last{"foo@4.service", "foo@3.service"};
    for (std::size_t i = 0; i < down_before; ++i) fleet.fleet.behave(last.at(i), FleetDouble::Behaviour::restart, "v1");
    local.put_unit("foo@.service", "v1");
    local.declare("services:\n- {name: foo@.service, count: 4, sequentialDeployment: true}\n");
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    local.put_unit("foo@.service", "v2");
    const auto since = fleet.fleet.now();
    CHECK(once_by_hand(fleet, most) == 0);
    const Names all{"foo@1.service", "foo@2.service", "foo@3.service", "foo@4.service"};
    // What was down before is no doing of ours, and comes up before another node goes down beyond what is allowed.
    CHECK(fleet.fleet.most_down(all, since) == std::max(most, down_before));
    const Names up(all.begin(), all.end() - static_cast<std::ptrdiff_t>(down_before));
    CHECK(fleet.fleet.most_down(up, since) <= most);
    for (const auto& [unit, version] : fleet.versions()) CHECK(version == "v2 running");
}

TEST_CASE("a service that allows more nodes to be down than the configuration has its way", "[R41]") {
    LocalFleet fleet("  rollout: {timeout: 10m, poll: 2ms}\n", {.speed = 0});
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.declare("services:\n- {name: foo@.service, count: 4, sequentialDeployment: true, max_unavailable: 2}\n");
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    local.put_unit("foo@.service", "v2");
    const auto since = fleet.fleet.now();
    CHECK(once_by_hand(fleet, 2) == 0);
    CHECK(fleet.fleet.most_down(fleet.fleet.names(), since) == 2);
}

TEST_CASE("where the canary does not come up, no other node is touched", "[R42]") {
    LocalFleet fleet(impatient);
    auto& local = fleet.local;
    local.declare("services:\n- {name: foo@.service, count: 3, canary: true}\n");
    fleet.fleet.behave("*", FleetDouble::Behaviour::hang, "bad");
    SECTION("of a service that runs") {
        local.put_unit("foo@.service", "v1");
        REQUIRE(local.once().status == 0);
        fleet.fleet.settle();
        local.put_unit("foo@.service", "bad");
        const auto ended = local.once();
        INFO(ended.out << ended.err);
        CHECK(ended.status == 4);
        CHECK(changes_of(ended) ==
              Names{"update foo@1.service failed", "update foo@2.service skipped", "update foo@3.service skipped"});
        CHECK(fleet.versions() == foo_with("bad down", "v1 running", "v1 running"));
        CHECK(local.once().status == 6);
        CHECK(fleet.versions() == foo_with("bad down", "v1 running", "v1 running"));
    }
    SECTION("of a new service") {
        local.put_unit("foo@.service", "bad");
        CHECK(local.once().status == 4);
        CHECK(fleet.versions() == Versions{{"foo@1.service", "bad down"}});
        CHECK(local.once().status == 6);
        CHECK(fleet.versions() == Versions{{"foo@1.service", "bad down"}});
    }
    fleet.fleet.forget_requests();
    local.put_unit("foo@.service", "v2");
    const auto fixed = local.once();
    INFO(fixed.out << fixed.err);
    CHECK(fixed.status == 0);
    CHECK(eventually([&] { return fleet.versions() == foo_with("v2 running", "v2 running", "v2 running"); }, 5s));
    // Three looks at the first one before another one begins.
    const auto requests = fleet.fleet.requests();
    const auto is_write = [](const std::string& line) { return line.starts_with("PUT "); };
    const auto first = std::find_if(requests.begin(), requests.end(), is_write);
    REQUIRE(first != requests.end());
    const auto second = std::find_if(first + 1, requests.end(), is_write);
    CHECK(std::count(first, second, "GET /state " + first->substr(4)) >= 3);
}

TEST_CASE("while a node's service is not healthy the next node is not touched", "[R42]") {
    std::atomic<bool> healthy = false;
    const HealthDouble health([&](const HttpRequest&) { return healthy.load(); });
    LocalCluster cluster("", patient);
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    REQUIRE(health.server().request_count() == 0);
    cluster.put_unit("foo@.service", "v2");
    auto program = start(cluster, "once");
    REQUIRE(health.server().wait_for_requests(20));
    CHECK(versions_of(cluster) == foo_with("v2 running", "v1 running", "v1 running"));
    CHECK(health.server().requests().front().path() == "/foo");
    CHECK(says_in_time(program, "waiting until foo@1.service is ready: health check: "));
    healthy = true;
    CHECK(program.wait(20s) == 0);
    CHECK(versions_of(cluster) == foo_with("v2 running", "v2 running", "v2 running"));
}

TEST_CASE("a version that runs and is not healthy is stopped or put back", "[R42][R43]") {
    const bool rolls_back = GENERATE(false, true);
    LocalCluster cluster("", with_on_timeout(rolls_back ? "rollback" : "halt"));
    const HealthDouble health([&](const HttpRequest&) { return has_no_bad_node(cluster); });
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "bad");
    const auto ended = cluster.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == (rolls_back ? 5 : 4));
    CHECK(holds(detail_of(ended, "foo"), "foo@1.service was not ready after 300ms: health check: "));
    CHECK(holds(detail_of(ended, "foo"), "503"));
    CHECK(versions_of(cluster) == foo_with(rolls_back ? "v1 running" : "bad running", "v1 running", "v1 running"));
    CHECK(cluster.once().status == 6);
    cluster.put_unit("foo@.service", "v2");
    CHECK(cluster.once().status == 0);
    CHECK(versions_of(cluster) == foo_with("v2 running", "v2 running", "v2 running"));
}

TEST_CASE("what services.yaml says of on_timeout counts more than the configuration", "[R43]") {
    const std::string in_configuration = GENERATE("halt", "continue", "rollback");
    const std::string of_service = GENERATE("halt", "continue", "rollback");
    CAPTURE(in_configuration, of_service);
    LocalCluster cluster("", "  rollout: {timeout: 100ms, poll: 10ms, on_timeout: " + in_configuration + "}\n");
    const HealthDouble health([&](const HttpRequest&) { return has_no_bad_node(cluster); });
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(
        "services:\n- {name: foo@.service, count: 3, sequentialDeployment: true, on_timeout: " + of_service + "}\n");
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "bad");
    const auto ended = cluster.once();
    INFO(ended.out << ended.err);
    if (of_service == "halt") {
        CHECK(ended.status == 4);
        CHECK(versions_of(cluster) == foo_with("bad running", "v1 running", "v1 running"));
    } else if (of_service == "continue") {
        CHECK(ended.status == 3);
        CHECK(versions_of(cluster) == foo_with("bad running", "bad running", "bad running"));
    } else {
        CHECK(ended.status == 5);
        CHECK(versions_of(cluster) == foo_with("v1 running", "v1 running", "v1 running"));
    }
    CHECK(outcome_of(cluster.once(), "foo") == "quarantined");
}

TEST_CASE("what halted or went back is mended by a fix and by taking it back, whichever node was bad", "[R42][R43]") {
    const bool rolls_back = GENERATE(false, true);
    const int bad = GENERATE(1, 2);
    const std::string next = GENERATE("v1", "v2");
    CAPTURE(rolls_back, bad, next);
    LocalCluster cluster("", with_on_timeout(rolls_back ? "rollback" : "halt"));
    // The service as a whole is not healthy because of one node that runs.
    const HealthDouble health([&](const HttpRequest&) {
        const auto versions = versions_of(cluster);
        return versions.at("foo@" + std::to_string(bad) + ".service") != "bad running";
    });
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "bad");
    REQUIRE(cluster.once().status == (rolls_back ? 5 : 4));
    cluster.put_unit("foo@.service", next);
    const auto ended = cluster.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == 0);
    CHECK(versions_of(cluster) == foo_with(next + " running", next + " running", next + " running"));
    const auto status = cluster.run("status", {"--output", "json"}).json();
    CHECK(status->getArray("quarantined")->empty());
    CHECK(status->getArray("not_seen_ready")->empty());
}

TEST_CASE("without what was written down, a version that does not become ready goes no further either", "[R33][R41]") {
    LocalFleet fleet(impatient);
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.declare(sequential_foo);
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    fleet.fleet.behave("*", FleetDouble::Behaviour::hang, "v2");
    local.put_unit("foo@.service", "v2");
    REQUIRE(local.once().status == 4);
    local.dir().remove("cache");
    for (int i = 0; i < 2; ++i) {
        CHECK(local.once().status != 0);
        CHECK(fleet.versions() == foo_with("v2 down", "v1 running", "v1 running"));
    }
    local.put_unit("foo@.service", "v3");
    CHECK(local.once().status == 0);
    CHECK(fleet.versions() == foo_with("v3 running", "v3 running", "v3 running"));
}

TEST_CASE("a fix that is committed while nodes are put back goes through", "[R43][R44]") {
    LocalFleet fleet("  interval: 100ms\n  rollout: {timeout: 2s, poll: 10ms, on_timeout: rollback}\n");
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.declare(sequential_foo);
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    fleet.fleet.behave("*", FleetDouble::Behaviour::fail, "v2");
    // What the node was does not come up either.
    fleet.fleet.behave("foo@1.service", FleetDouble::Behaviour::hang, "v1");
    local.put_unit("foo@.service", "v2");
    Program daemon({"run", "--config", local.config()});
    REQUIRE(eventually([&] { return fleet.fleet.count("PUT foo@1.service") == 3; }));
    CHECK(fleet.versions().at("foo@1.service").starts_with("v1"));
    local.put_unit("foo@.service", "v3");
    CHECK(eventually([&] { return fleet.versions() == foo_with("v3 running", "v3 running", "v3 running"); }, 15s));
    CHECK(eventually([&] { return local.run("status").out.find("attempted") == std::string::npos; }));
    CHECK(local.run("status").out.find("quarantined") == std::string::npos);
}

TEST_CASE("old nodes that are healthy do not let a new one pass that is not", "[R42]") {
    const HealthDouble health([](const HttpRequest& request) { return request.path() != "/foo@2.service"; });
    LocalCluster cluster("", impatient);
    cluster.use_blocks(health.block("/{unit}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "v2");
    const auto ended = cluster.once();
    CHECK(ended.status == 4);
    CHECK(holds(detail_of(ended, "foo"), "foo@2.service was not ready"));
    CHECK(versions_of(cluster) == foo_with("v2 running", "v2 running", "v1 running"));
}

TEST_CASE("lucky health samples among bad ones let nothing pass", "[R42]") {
    const int lucky = GENERATE(1, 2);
    CAPTURE(lucky);
    std::atomic<int> samples = 0;
    const HealthDouble health([&](const HttpRequest&) { return ++samples % 3 < lucky; });
    LocalCluster cluster("", impatient);
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "v2");
    const auto ended = cluster.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == 4);
    CHECK(samples >= 6);
    CHECK(versions_of(cluster) == foo_with("v2 running", "v1 running", "v1 running"));
}

TEST_CASE("a healthy service is asked stable_samples times a node", "[R42]") {
    const int samples = GENERATE(1, 3, 5);
    const HealthDouble health([](const HttpRequest&) { return true; });
    LocalCluster cluster("", "  rollout: {timeout: 20s, poll: 2ms, stable_samples: " + std::to_string(samples) + "}\n");
    cluster.use_blocks(health.block("/{service}"));
    cluster.put_unit("foo@.service", "v1");
    cluster.declare(sequential_foo);
    REQUIRE(cluster.once().status == 0);
    cluster.put_unit("foo@.service", "v2");
    CHECK(cluster.once().status == 0);
    CHECK(health.server().request_count() == static_cast<std::size_t>(3 * samples));
}

TEST_CASE("a count beyond the machines quarantines nothing, lets others go, and ends when it fits again",
          "[R25][R43]") {
    LocalFleet fleet("  destroy: true\n  rollout: {timeout: 10m, poll: 10ms, placement_grace: 300ms}\n");
    auto& local = fleet.local;
    const auto nodes_of_foo = [](int count) {
        return "services:\n- {name: foo@.service, count: " + std::to_string(count) + ", sequentialDeployment: true}\n";
    };
    local.put_unit("foo@.service", "v1");
    local.put_unit("bar.service", "v1");
    local.declare(nodes_of_foo(4) + "- name: bar.service\n");
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    fleet.fleet.behave("foo@5.service", FleetDouble::Behaviour::unschedulable);
    local.declare(nodes_of_foo(5));
    for (int i = 0; i < 2; ++i) {
        const auto ended = local.once();
        INFO(ended.out << ended.err);
        CHECK(ended.status == 3);
        CHECK(outcome_of(ended, "foo") != "quarantined");
        CHECK(holds(ended.out, "not scheduled to a machine"));
        CHECK_FALSE(fleet.fleet.find("bar.service"));
    }
    local.declare(nodes_of_foo(4));
    const auto ended = local.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == 0);
    CHECK(fleet.fleet.names() == Names{"foo@1.service", "foo@2.service", "foo@3.service", "foo@4.service"});
}

TEST_CASE("a machine that does not begin quarantines nothing, and its unit goes through once it does", "[R42][R43]") {
    const bool rolls_back = GENERATE(false, true);
    LocalFleet fleet(with_on_timeout(rolls_back ? "rollback" : "halt"));
    auto& local = fleet.local;
    local.put_unit("foo@.service", "v1");
    local.declare(sequential_foo);
    REQUIRE(local.once().status == 0);
    fleet.fleet.settle();
    const auto old = unit_file_hash(fleet.fleet.find("foo@1.service")->options);
    // Its agent hangs: whatever fleet is told, this is what it says.
    fleet.fleet.show("foo@1.service", {{.hash = old}});
    local.put_unit("foo@.service", "v2");
    for (int i = 0; i < 2; ++i) {
        const auto ended = local.once();
        INFO(ended.out << ended.err);
        CHECK(ended.status == 3);
        CHECK(holds(ended.out, "the old version still runs"));
        CHECK(fleet.versions().at("foo@2.service") == "v1 running");
    }
    fleet.fleet.show("foo@1.service", {FleetState{}});
    const auto ended = local.once();
    INFO(ended.out << ended.err);
    CHECK(ended.status == 0);
}
