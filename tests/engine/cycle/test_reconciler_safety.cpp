#include "memory/documents.hpp"
#include "memory/orders.hpp"
#include "memory/records.hpp"
#include "support/catch.hpp"
#include "support/fake_health.hpp"
#include "support/holds.hpp"
#include "support/world.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

bool is_command(const Unit& unit, const std::string& command) {
    return unit.options.at(0).value == "/bin/" + command;
}

/// foo, three nodes, goes node by node; bar is plain. All is settled on "good".
struct Fleet : World {
    explicit Fleet(const std::string& more = "") {
        policy.rollout.timeout = 50ms;
        policy.interval = 20ms;
        restart();
        declare("services:\n- {name: foo@.service, count: 3, sequentialDeployment: true" + more +
                "}\n- name: bar.service\n");
        release("good");
        settle();
    }

    void release(const std::string& command) { source->put("foo@.service", unit_file(command)); }
    /// From now on that command fails on that node, and is fine elsewhere.
    void break_command(const std::string& command, const std::string& node, Readiness as = Readiness::failed) {
        target->judge = [=](const Unit& unit, const UnitStatus& status) {
            return unit.name == node && is_command(unit, command) ? UnitStatus{as, "exit code 1"} : status;
        };
    }
    [[nodiscard]] std::vector<std::string> commands() const {
        std::vector<std::string> commands;
        for (const auto& [name, unit] : target->units()) {
            if (name.rfind("foo", 0) == 0) commands.push_back(unit.options.at(0).value.substr(5));
        }
        return commands;
    }
    void order(const Orders& orders) {
        cache->documents[document_key(orders_document, target->identity())] = write_orders(orders);
    }
    /// As the command does.
    void retry(const std::string& service) {
        auto records = load_records(*cache, *target, calls());
        for (const auto& [name, quarantine] : retries_for(records, service)) records.orders.retries[name] = quarantine;
        order(records.orders);
    }
    /// As if the clock had shown that time whenever something was quarantined.
    void quarantined_at(const std::string& time) {
        auto& document = cache->documents[document_key(ledger_document, target->identity())];
        auto ledger = read_ledger(document).value();
        for (auto& record : ledger.rollouts) record.quarantine.value().since = time;
        document = write_ledger(ledger);
        restart();
    }
};

using Commands = std::vector<std::string>;

const GroupOutcome& group_of(const CycleReport& report, const std::string& service) {
    const auto found = std::find_if(report.groups.begin(), report.groups.end(),
                                    [&](const auto& group) { return group.service == service; });
    REQUIRE(found != report.groups.end());
    return *found;
}

}  // namespace

TEST_CASE("what halted is not touched again, across restarts, until it changes", "[R43]") {
    Fleet fleet;
    fleet.break_command("bad", "foo@2.service");
    fleet.release("bad");
    fleet.source->put("bar.service", unit_file("bar --new"));
    const auto report = fleet.cycle();
    CHECK(report.result == Outcome::halted);
    CHECK(group_of(report, "foo").outcome == Outcome::halted);
    CHECK(group_of(report, "bar").outcome == Outcome::applied);
    CHECK(fleet.commands() == Commands{"bad", "bad", "good"});

    fleet.target->forget_calls();
    for (int i = 0; i < 3; ++i) {
        if (i == 1) fleet.restart();
        const auto again = fleet.cycle();
        CHECK(again.result == Outcome::quarantined);
        CHECK(holds(group_of(again, "foo").detail, "foo@2.service will not become ready: exit code 1 (halted "));
    }
    CHECK(fleet.target->writes().empty());

    SECTION("a fixed version goes through by itself") {
        fleet.release("fixed");
        CHECK(fleet.cycle().result == Outcome::applied);
        CHECK(fleet.commands() == Commands{"fixed", "fixed", "fixed"});
        // The node that was down went first.
        CHECK(fleet.target->writes().front() == "apply foo@2.service");
        CHECK(fleet.cycle().result == Outcome::in_sync);
    }
    SECTION("going back to the former version does, too") {
        fleet.release("good");
        CHECK(fleet.cycle().result == Outcome::applied);
        CHECK(fleet.commands() == Commands{"good", "good", "good"});
    }
    SECTION("or until somebody has it tried again") {
        fleet.target->judge = [](const Unit&, const UnitStatus& status) { return status; };
        fleet.retry("foo");
        CHECK(fleet.cycle().result == Outcome::applied);
        CHECK(fleet.commands() == Commands{"bad", "bad", "bad"});
    }
    SECTION("once more only: if it fails again, it is quarantined again") {
        fleet.retry("foo");
        CHECK(fleet.cycle().result == Outcome::halted);
        CHECK(fleet.cycle().result == Outcome::quarantined);
    }
}

TEST_CASE("an order to try again ends the quarantine that it was given for, whatever the clock shows", "[R43]") {
    Fleet fleet;
    fleet.break_command("bad", "foo@2.service");
    fleet.release("bad");
    REQUIRE(fleet.cycle().result == Outcome::halted);
    fleet.quarantined_at(GENERATE("2026-01-02T03:04:05.123456Z", "2999-01-02T03:04:05.123456Z"));
    REQUIRE(fleet.cycle().result == Outcome::quarantined);
    fleet.retry("foo");
    CHECK(fleet.cycle().result == Outcome::halted);
    // The one that this try has led to is another one, however old its time looks.
    fleet.quarantined_at("1999-01-02T03:04:05.123456Z");
    CHECK(fleet.cycle().result == Outcome::quarantined);
}

TEST_CASE("what was rolled back stays as it was, across restarts, until it changes", "[R43]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.break_command("bad", "foo@3.service");
    fleet.release("bad");
    CHECK(fleet.cycle().result == Outcome::rolled_back);
    CHECK(fleet.commands() == Commands{"good", "good", "good"});
    fleet.target->forget_calls();
    for (int i = 0; i < 3; ++i) {
        if (i == 1) fleet.restart();
        CHECK(fleet.cycle().result == Outcome::quarantined);
    }
    CHECK(fleet.target->writes().empty());

    SECTION("new nodes are what the others are") {
        fleet.declare(
            "services:\n- {name: foo@.service, count: 4, sequentialDeployment: true, on_timeout: rollback}\n"
            "- name: bar.service\n");
        (void)fleet.cycle();
        CHECK(fleet.commands() == Commands{"good", "good", "good", "good"});
    }
    SECTION("a fixed version goes through by itself") {
        fleet.release("fixed");
        CHECK(fleet.cycle().result == Outcome::applied);
        CHECK(fleet.commands() == Commands{"fixed", "fixed", "fixed"});
        CHECK(fleet.cycle().result == Outcome::in_sync);
    }
}

TEST_CASE("killed at any call of a rollout, the next process ends where this one would have", "[R33][R43]") {
    const auto more = GENERATE(as<std::string>(), "", ", on_timeout: rollback");
    const auto node = GENERATE(as<std::string>(), "foo@1.service", "foo@2.service", "foo@3.service");
    CAPTURE(more, node);
    const auto finish = [&](Fleet& fleet) {
        for (int i = 0; i < 4; ++i) (void)fleet.cycle();
        CHECK(fleet.cycle().result == Outcome::quarantined);
    };
    Fleet whole(more);
    whole.break_command("bad", node);
    whole.release("bad");
    whole.target->forget_calls();
    finish(whole);
    const auto calls = whole.target->calls().size();

    for (std::size_t nth = 1; nth <= calls; ++nth) {
        Fleet fleet(more);
        fleet.break_command("bad", node);
        fleet.release("bad");
        std::atomic<std::size_t> made = 0;
        // From there on nothing reaches the cluster or the cache any more: what is written then is lost.
        std::atomic<bool> dead = false;
        fleet.target->before = [&](const std::string&) {
            if (++made >= nth) dead = true;
            if (dead) throw Error(ErrorKind::internal, "killed");
        };
        fleet.cache->before = [&](const std::string&) {
            if (dead) throw Error(ErrorKind::internal, "killed");
        };
        (void)fleet.cycle();
        fleet.target->before = [](const std::string&) {};
        fleet.cache->before = [](const std::string&) {};
        fleet.restart();
        fleet.reconciler->distrust_snapshot();
        finish(fleet);
        INFO("killed at call " << nth);
        CHECK(fleet.commands() == whole.commands());
    }
}

TEST_CASE("a fix that comes while a node is waited for goes through at once", "[R44]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.policy.rollout.timeout = 1h;
    fleet.restart();
    fleet.break_command("bad", "foo@1.service", Readiness::waiting);
    fleet.release("bad");
    fleet.events->subscribe([&](const Event& event) {
        if (std::holds_alternative<WaitingForReady>(event)) fleet.release("fixed");
    });
    const auto report = fleet.cycle();
    CHECK(report.result == Outcome::superseded);
    CHECK(group_of(report, "foo").outcome == Outcome::superseded);
    CHECK(fleet.commands() == Commands{"bad", "good", "good"});
    fleet.restart();
    CHECK(fleet.cycle().result == Outcome::applied);
    CHECK(fleet.commands() == Commands{"fixed", "fixed", "fixed"});
}

TEST_CASE("what was overtaken and never seen ready is nothing to go back to", "[R43][R44]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.policy.rollout.timeout = 1h;
    fleet.restart();
    fleet.break_command("bad", "foo@1.service", Readiness::waiting);
    fleet.release("bad");
    fleet.events->subscribe([&](const Event& event) {
        if (std::holds_alternative<WaitingForReady>(event)) fleet.release("worse");
    });
    REQUIRE(fleet.cycle().result == Outcome::superseded);
    fleet.policy.rollout.timeout = 50ms;
    fleet.restart();
    fleet.break_command("worse", "foo@1.service");
    CHECK(fleet.cycle().result == Outcome::rolled_back);
    CHECK(fleet.commands() == Commands{"good", "good", "good"});
}

TEST_CASE("a newer revision that wants the same does not disturb a rollout", "[R44]") {
    Fleet fleet;
    fleet.policy.rollout.timeout = 1h;
    fleet.restart();
    std::atomic<int> checkouts_before = 0;
    std::atomic<bool> touched = false;
    fleet.release("new");
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        // Ready once the newer revision was looked at.
        const bool seen = touched && fleet.source->checkouts() > checkouts_before + 1;
        return is_command(unit, "new") && !seen ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    fleet.events->subscribe([&](const Event& event) {
        if (!std::holds_alternative<WaitingForReady>(event) || touched.exchange(true)) return;
        checkouts_before = fleet.source->checkouts();
        fleet.source->touch();
    });
    CHECK(fleet.cycle().result == Outcome::applied);
    CHECK(fleet.commands() == Commands{"new", "new", "new"});
}

TEST_CASE("a paused service is left as it is, shows in the plan, and goes on when the pause ends") {
    Fleet fleet;
    Orders orders;
    orders.paused["foo"] = {"2026-01-02T03:04:05Z", "moving house"};
    fleet.order(orders);
    fleet.release("new");
    fleet.source->put("bar.service", unit_file("bar --new"));
    CHECK(group_of(fleet.reconciler->preview(fleet.calls()), "foo").outcome == Outcome::paused);
    fleet.restart();
    const auto report = fleet.cycle();
    CHECK(report.result == Outcome::paused);
    CHECK(holds(group_of(report, "foo").detail, "moving house (since 2026-01-02T03:04:05Z), 3 changes left"));
    CHECK(fleet.target->writes() == std::vector<std::string>{"apply bar.service"});
    CHECK(fleet.cycle().result == Outcome::paused);

    fleet.order({});
    CHECK(fleet.cycle().result == Outcome::applied);
    CHECK(fleet.commands() == Commands{"new", "new", "new"});
}

TEST_CASE("while all is paused nothing is touched, and what nothing is left for counts as applied") {
    Fleet fleet;
    Orders orders;
    orders.paused[""] = {"2026-01-02T03:04:05Z", "moving house"};
    fleet.order(orders);
    fleet.target->forget_calls();
    CHECK(fleet.cycle().result == Outcome::paused);
    CHECK(fleet.target->calls().empty());
    fleet.release("new");
    fleet.declare("services:\n- {name: foo@.service, count: 1}\n");
    for (int i = 0; i < 3; ++i) CHECK(fleet.cycle().result == Outcome::paused);
    CHECK(fleet.target->writes().empty());
}

namespace {

/// What a killed process leaves: the cluster and the cache as they were at one moment.
class Moment {
public:
    explicit Moment(World& world) : world_(world) {}

    /// The first time only.
    void keep() {
        if (kept_) return;
        kept_ = true;
        documents_ = world_.cache->documents;
        units_ = world_.target->units();
    }
    /// Of two units at that moment the one is lost: the target was between destroying and creating it.
    void lose(const std::string& unit) { units_.erase(unit); }

    void go_back() {
        REQUIRE(kept_);
        world_.cache->documents = documents_;
        for (const auto& name : world_.target->names()) world_.target->remove(name);
        for (const auto& [name, unit] : units_) world_.target->put(unit);
        world_.target->forget_calls();
        world_.restart();
        world_.reconciler->distrust_snapshot();
    }

private:
    World& world_;
    bool kept_ = false;
    std::map<std::string, std::string> documents_;
    std::map<std::string, Unit> units_;
};

const std::string three_nodes = "services:\n- {name: foo@.service, count: 3, sequentialDeployment: true";

/// Whether it is the unit with that command, and there.
bool runs(const Unit& unit, const UnitStatus& status, const std::string& command) {
    return is_command(unit, command) && status.readiness != Readiness::absent;
}

}  // namespace

TEST_CASE("a service that is unhealthy stays quarantined, and what it replaces stays", "[R25][R42][R43]") {
    World world;
    const auto health = std::make_shared<FakeHealth>();
    world.health = health;
    world.policy.rollout.timeout = 30ms;
    world.restart();
    world.source->put("foo.service", unit_file("v1"));
    world.declare("services:\n- {name: foo.service, sequentialDeployment: true}\n- name: bar.service\n");
    world.settle();
    std::atomic<bool> is_well = false;
    health->judge = [&](const ServiceGroupRef&) {
        return HealthReport{is_well ? HealthReport::Verdict::healthy : HealthReport::Verdict::unhealthy,
                            "disk is full"};
    };
    world.source->put("foo.service", unit_file("v2"));
    world.declare("services:\n- {name: foo.service, sequentialDeployment: true}\n");
    CHECK(world.cycle().result == Outcome::halted);
    for (int i = 0; i < 3; ++i) {
        const auto report = world.cycle();
        CHECK(report.result == Outcome::quarantined);
        REQUIRE(report.not_ready.size() == 1);
        CHECK(report.not_ready[0].detail == "health check: disk is full");
    }
    CHECK(world.target->units().count("bar.service") == 1);
    // It only took longer.
    is_well = true;
    (void)world.cycle();
    (void)world.cycle();
    CHECK(world.cycle().result == Outcome::in_sync);
    CHECK(world.target->units().count("bar.service") == 0);
}

TEST_CASE("what a rolled back revision no longer wants stays, for the former one may need it", "[R25][R43]") {
    World world;
    const std::string nodes = three_nodes + ", on_timeout: rollback}\n";
    world.source->put("foo-sidekick@.service", unit_file("sidekick"));
    world.source->put("foo@.service", unit_file("v1"));
    world.declare(nodes + "- {name: foo-sidekick@.service, count: 3}\n- name: bar.service\n");
    world.settle();
    world.target->judge = [](const Unit& unit, const UnitStatus& status) {
        return runs(unit, status, "v2") ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    world.source->put("foo@.service", unit_file("v2"));
    world.declare(nodes);
    CHECK(world.cycle().result == Outcome::rolled_back);
    const auto before = world.target->names();
    REQUIRE(before.size() == 7);
    for (int i = 0; i < 2; ++i) CHECK(world.cycle().result == Outcome::quarantined);
    CHECK(world.target->names() == before);
}

TEST_CASE("a rollout that was overtaken in between goes back as a whole", "[R43][R44]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.policy.rollout.timeout = 300ms;
    fleet.restart();
    std::atomic<bool> overtaken = false;
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        if (unit.name != "foo@3.service" || !is_command(unit, "bad")) return status;
        if (!overtaken.exchange(true)) fleet.source->put("bar.service", unit_file("bar --new"));
        return UnitStatus{Readiness::waiting, "starting"};
    };
    fleet.release("bad");
    CHECK(fleet.cycle().result == Outcome::superseded);
    REQUIRE(fleet.commands() == Commands{"bad", "bad", "bad"});
    CHECK(fleet.cycle().result == Outcome::rolled_back);
    CHECK(fleet.commands() == Commands{"good", "good", "good"});
}

TEST_CASE("with continue, too, a node that was coming up when the deployer was killed is waited for", "[R33][R43]") {
    Fleet fleet(", on_timeout: continue");
    Moment killed(fleet);
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        if (unit.name != "foo@1.service" || !is_command(unit, "bad")) return status;
        killed.keep();
        return UnitStatus{Readiness::waiting, "starting"};
    };
    fleet.release("bad");
    (void)fleet.cycle();
    killed.go_back();
    int looks = 0;
    fleet.target->before = [&](const std::string& call) {
        if (call == "status foo@1.service") ++looks;
        if (call == "apply foo@2.service") CHECK(looks > 1);
    };
    const auto report = fleet.cycle();
    CHECK(report.result == Outcome::degraded);
    CHECK(fleet.commands() == Commands{"bad", "bad", "bad"});
    CHECK(fleet.cycle().result == Outcome::quarantined);
}

TEST_CASE("a node that was coming up is waited for though its sidekick is to go", "[R33][R41]") {
    World world;
    world.policy.rollout.timeout = 30ms;
    world.restart();
    world.source->put("foo@.service", unit_file("v1"));
    world.source->put("foo-sidekick@.service", unit_file("sidekick"));
    world.declare(three_nodes + "}\n- {name: foo-sidekick@.service, count: 3}\n");
    world.settle();
    Moment killed(world);
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        if (unit.name != "foo@1.service" || !is_command(unit, "v2")) return status;
        killed.keep();
        return UnitStatus{Readiness::waiting, "starting"};
    };
    world.source->put("foo@.service", unit_file("v2"));
    world.declare(three_nodes + "}\n");
    (void)world.cycle();
    killed.go_back();
    CHECK(world.cycle().result == Outcome::halted);
    CHECK(world.target->writes().empty());
}

TEST_CASE("what is not to run is not asked for its health", "[R42]") {
    World world;
    const auto health = std::make_shared<FakeHealth>();
    world.health = health;
    world.restart();
    world.source->put("foo@.service", unit_file("v1"));
    world.declare(three_nodes + "}\n");
    world.settle();
    health->judge = [](const ServiceGroupRef&) {
        return HealthReport{HealthReport::Verdict::unhealthy, "connection refused"};
    };
    world.declare(three_nodes + ", desiredState: inactive}\n");
    CHECK(world.cycle().result == Outcome::applied);
}

TEST_CASE("killed between destroying and creating a unit, the new content is judged all the same", "[R33][R43]") {
    const auto nodes = GENERATE(1, 3);
    World world;
    const auto name = nodes == 1 ? std::string("foo.service") : std::string("foo@1.service");
    const auto file = nodes == 1 ? "foo.service" : "foo@.service";
    world.source->put(file, unit_file("v1"));
    world.declare(nodes == 1 ? "services:\n- {name: foo.service, sequentialDeployment: true, on_timeout: rollback}\n"
                             : three_nodes + ", on_timeout: rollback}\n");
    world.settle();
    world.target->judge = [](const Unit& unit, const UnitStatus& status) {
        return runs(unit, status, "v2") ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    Moment killed(world);
    world.target->before = [&](const std::string& call) {
        if (call == "apply " + name) killed.keep();
    };
    world.source->put(file, unit_file("v2"));
    (void)world.cycle();
    killed.lose(name);
    killed.go_back();
    (void)world.cycle();
    (void)world.cycle();
    CHECK(world.cycle().result == Outcome::quarantined);
    for (const auto& [unit_name, unit] : world.target->units()) {
        INFO(unit_name);
        CHECK(is_command(unit, "v1"));
    }
}

TEST_CASE("the good version is not forgotten when the way back to it is cut off and a worse one comes", "[R43][R44]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.target->judge = [](const Unit& unit, const UnitStatus& status) {
        const bool broken = unit.name == "foo@1.service" && !is_command(unit, "good");
        return broken ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    std::atomic<int> applied = 0;
    fleet.target->before = [&](const std::string& call) {
        if (call == "apply foo@1.service" && ++applied == 2) throw Error(ErrorKind::unavailable, "fleet is away");
    };
    fleet.release("bad");
    (void)fleet.cycle();
    REQUIRE(fleet.commands() == Commands{"bad", "good", "good"});
    fleet.release("worse");
    CHECK(fleet.cycle().result == Outcome::rolled_back);
    CHECK(fleet.commands() == Commands{"good", "good", "good"});
}

TEST_CASE("a unit that is created again has all its time again", "[R42]") {
    World world;
    world.policy.rollout.timeout = 400ms;
    world.policy.interval = 20ms;
    world.restart();
    const std::string without = "services:\n- name: bar.service\n";
    const std::string with = "services:\n- {name: foo@.service, count: 2, canary: true}\n- name: bar.service\n";
    world.declare(without);
    world.settle();
    std::atomic<bool> comes_up = false;
    std::atomic<int> looks = 0;
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        if (!runs(unit, status, "foo")) return status;
        if (++looks == 1 && !comes_up) world.declare(without);
        return comes_up && looks > 5 ? status : UnitStatus{Readiness::waiting, "starting"};
    };
    const auto begin = std::chrono::steady_clock::now();
    world.declare(with);
    REQUIRE(world.cycle().result == Outcome::superseded);
    for (int i = 0; i < 3; ++i) (void)world.cycle();
    REQUIRE(world.target->names() == std::vector<std::string>{"bar.service"});
    // Until all the time is over that it had the first time.
    std::this_thread::sleep_until(begin + 450ms);
    comes_up = true;
    looks = 0;
    world.declare(with);
    CHECK(world.cycle().result == Outcome::applied);
}

TEST_CASE("what failed is started once more when somebody has it tried again", "[R43]") {
    Fleet fleet;
    std::atomic<bool> cause = true;
    std::map<std::string, bool> failed;
    fleet.target->before = [&](const std::string& call) {
        if (call.rfind("apply ", 0) == 0) failed[call.substr(6)] = cause;
        if (call == "set foo@1.service launched") failed["foo@1.service"] = cause;
    };
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        return is_command(unit, "bad") && failed[unit.name] ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    fleet.release("bad");
    CHECK(fleet.cycle().result == Outcome::halted);
    cause = false;
    fleet.retry("foo");
    CHECK(fleet.cycle().result == Outcome::applied);
    CHECK(fleet.commands() == Commands{"bad", "bad", "bad"});
}

TEST_CASE("a way back that does not come up either is looked at, and not waited for in every cycle", "[R43]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.target->judge = [](const Unit& unit, const UnitStatus& status) {
        return unit.name == "foo@1.service" ? UnitStatus{Readiness::waiting, "database is away"} : status;
    };
    fleet.release("bad");
    CHECK(fleet.cycle().result == Outcome::halted);
    (void)fleet.cycle();
    fleet.target->forget_calls();
    CHECK(fleet.cycle().result == Outcome::quarantined);
    CHECK(fleet.target->calls() == std::vector<std::string>{"status foo@1.service"});
}

TEST_CASE("a pause in the middle of a rollout forgets nothing of it", "[R43]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.policy.rollout.timeout = 2s;
    fleet.restart();
    Orders orders;
    orders.paused["foo"] = {"2026-01-02T03:04:05Z", "let me see"};
    std::atomic<bool> is_up = false;
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) -> UnitStatus {
        if (!is_command(unit, "bad")) return status;
        if (unit.name == "foo@3.service") return {Readiness::failed, "exit code 1"};
        if (unit.name == "foo@2.service" && !is_up) return {Readiness::waiting, "starting"};
        return status;
    };
    // The cache is the reconciler's own: what a person does there is done between two of its calls.
    fleet.cache->before = [&](const std::string& call) {
        if (call == "load orders" && fleet.commands() == Commands{"bad", "bad", "good"}) fleet.order(orders);
    };
    fleet.release("bad");
    CHECK(fleet.cycle().result == Outcome::superseded);
    fleet.cache->before = [](const std::string&) {};
    is_up = true;
    for (int i = 0; i < 2; ++i) CHECK(fleet.cycle().result == Outcome::paused);
    fleet.order({});
    CHECK(fleet.cycle().result == Outcome::rolled_back);
    CHECK(fleet.commands() == Commands{"good", "good", "good"});
}

TEST_CASE("with continue, an interruption does not leave the rest of the nodes behind", "[R43][R44]") {
    Fleet fleet(", on_timeout: continue");
    fleet.policy.rollout.timeout = 2s;
    fleet.restart();
    std::atomic<bool> overtaken = false;
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) -> UnitStatus {
        if (!is_command(unit, "bad")) return status;
        if (unit.name == "foo@1.service") return {Readiness::failed, "exit code 1"};
        if (unit.name != "foo@2.service" || overtaken) return status;
        fleet.source->put("bar.service", unit_file("bar --new"));
        return {Readiness::waiting, "starting"};
    };
    fleet.release("bad");
    const auto first = fleet.cycle();
    CHECK(first.result == Outcome::superseded);
    CHECK(first.overtaken);
    overtaken = true;
    CHECK(fleet.cycle().result == Outcome::degraded);
    CHECK(fleet.commands() == Commands{"bad", "bad", "bad"});
    CHECK(fleet.cycle().result == Outcome::quarantined);
}

TEST_CASE("what is quarantined and cannot be looked at keeps nothing else from going on", "[R43]") {
    Fleet fleet;
    fleet.break_command("bad", "foo@1.service");
    fleet.release("bad");
    REQUIRE(fleet.cycle().result == Outcome::halted);
    fleet.target->before = [](const std::string& call) {
        if (call == "status foo@1.service") throw Error(ErrorKind::unavailable, "no answer in time");
    };
    fleet.source->put("bar.service", unit_file("bar --new"));
    const auto report = fleet.cycle();
    CHECK_FALSE(report.error);
    CHECK(group_of(report, "bar").outcome == Outcome::applied);
    CHECK(report.not_ready.size() == 1);
}

TEST_CASE("the health of a service is asked by one at a time, which keeps no other service waiting",
          "[R8][R42][concurrent]") {
    World world;
    const auto health = std::make_shared<FakeHealth>();
    world.health = health;
    world.restart();
    std::string services = "services:\n- {name: foo@.service, count: 8}\n- {name: quick.service}\n";
    world.source->put("quick.service", unit_file("quick"));
    world.declare(services + "- name: bar.service\n");
    world.settle();
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
    std::atomic<bool> quick_was_asked = false;
    health->judge = [&](const ServiceGroupRef& group) {
        if (group.service != "foo") {
            quick_was_asked = true;
            return HealthReport{HealthReport::Verdict::healthy, {}};
        }
        most = std::max(most.load(), ++now);
        // The first one goes on only when another service was asked meanwhile.
        for (int i = 0; i < 5'000 && !quick_was_asked; ++i) std::this_thread::sleep_for(1ms);
        --now;
        return HealthReport{quick_was_asked ? HealthReport::Verdict::healthy : HealthReport::Verdict::unhealthy,
                            "late"};
    };
    // Something to destroy, so that all else is waited for.
    world.source->put("foo@.service", unit_file("new"));
    world.source->put("quick.service", unit_file("new"));
    world.declare(services);
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(most == 1);
}

TEST_CASE("killed while a new sequential service is created, it is created as it would have been", "[R33][R41]") {
    World world;
    world.policy.rollout.timeout = 30ms;
    world.restart();
    world.settle();
    world.source->put("new@.service", unit_file("new"));
    world.target->judge = [](const Unit& unit, const UnitStatus& status) {
        return runs(unit, status, "new") ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    Moment killed(world);
    world.target->before = [&](const std::string& call) {
        if (call == "apply new@1.service") return;
        if (call.rfind("apply new@", 0) == 0 && world.target->units().contains("new@1.service")) killed.keep();
    };
    world.policy.rollout.parallelism = 1;
    world.restart();
    world.declare(
        "services:\n- name: foo@.service\n  count: 2\n- name: bar.service\n"
        "- {name: new@.service, count: 3, sequentialDeployment: true}\n");
    CHECK(world.cycle().result == Outcome::applied);
    killed.go_back();
    REQUIRE(world.target->units().size() == 4);
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->units().size() == 6);
    CHECK(world.cycle().result == Outcome::in_sync);
}

TEST_CASE("what a rolled back service has too much of is counted and told", "[R43]") {
    Fleet fleet(", on_timeout: rollback");
    fleet.break_command("bad", "foo@1.service");
    fleet.release("bad");
    REQUIRE(fleet.cycle().result == Outcome::rolled_back);
    fleet.declare(
        "services:\n- {name: foo@.service, count: 2, sequentialDeployment: true, on_timeout: rollback}\n"
        "- name: bar.service\n");
    const auto report = fleet.cycle();
    REQUIRE(report.notes.size() == 1);
    CHECK(holds(report.notes[0], "1 unit of foo no longer wanted, left running: it was rolled back"));
}

namespace {

const std::string four_nodes = "services:\n- {name: foo@.service, count: 4, sequentialDeployment: true}\n";
const std::string five_nodes = "services:\n- {name: foo@.service, count: 5, sequentialDeployment: true}\n";

/// Four nodes of foo on as many machines; no machine takes a fifth.
struct FullCluster : World {
    FullCluster() {
        policy.rollout.placement_grace = std::chrono::milliseconds(10);
        restart();
        target->judge = [](const Unit& unit, const UnitStatus& status) {
            const bool is_there = status.readiness != Readiness::absent;
            return unit.name == "foo@5.service" && is_there ? UnitStatus{Readiness::unplaced, "not scheduled"} : status;
        };
        declare(four_nodes + "- name: bar.service\n");
        settle();
    }
    [[nodiscard]] bool has(const std::string& unit) const { return target->units().count(unit) > 0; }
};

}  // namespace

TEST_CASE("a count beyond the machines is told, keeps no other service from going, and ends when it fits again",
          "[R25][R43]") {
    FullCluster world;
    world.declare(five_nodes);
    auto report = world.cycle();
    CHECK(report.result == Outcome::degraded);
    CHECK(group_of(report, "foo").outcome == Outcome::degraded);
    CHECK(holds(group_of(report, "foo").detail, "was on no machine after 10ms: not scheduled"));
    // Nothing of another service waits for it.
    CHECK_FALSE(world.has("bar.service"));
    SECTION("the number of nodes fits again") {
        if (GENERATE(true, false)) world.restart();
        for (int i = 0; i < 2; ++i) {
            report = world.cycle();
            CHECK(report.result == Outcome::degraded);
            REQUIRE(report.not_ready.size() == 1);
            CHECK(holds(report.not_ready[0].text(), "foo@5.service"));
        }
        world.declare(four_nodes);
        CHECK(world.cycle().result == Outcome::applied);
        CHECK_FALSE(world.has("foo@5.service"));
        CHECK(world.cycle().result == Outcome::in_sync);
    }
    SECTION("what is destroyed in a later cycle goes too, and a dry run says so") {
        world.source->put("bar.service", unit_file("bar"));
        world.declare(five_nodes + "- name: bar.service\n");
        (void)world.cycle();
        REQUIRE(world.has("bar.service"));
        world.declare(five_nodes);
        const auto preview = world.reconciler->preview(world.calls());
        REQUIRE(preview.changes.size() == 1);
        CHECK(preview.changes[0].status == ChangeStatus::planned);
        (void)world.cycle();
        CHECK_FALSE(world.has("bar.service"));
    }
    SECTION("a machine comes") {
        world.target->judge = [](const Unit&, const UnitStatus& status) { return status; };
        (void)world.cycle();
        CHECK(world.cycle().result == Outcome::in_sync);
    }
}

TEST_CASE("a new service that no machine takes keeps what it may replace", "[R25]") {
    World world;
    world.policy.rollout.placement_grace = 10ms;
    world.restart();
    world.settle();
    world.target->judge = [](const Unit& unit, const UnitStatus& status) {
        const bool is_there = status.readiness != Readiness::absent;
        return unit.name.starts_with("new") && is_there ? UnitStatus{Readiness::unplaced, "not scheduled"} : status;
    };
    world.source->put("new@.service", unit_file("bar"));
    world.declare("services:\n- {name: foo@.service, count: 2}\n- {name: new@.service, count: 2}\n");
    for (int i = 0; i < 3; ++i) {
        CHECK(world.cycle().result == Outcome::degraded);
        CHECK(world.target->units().count("bar.service") == 1);
    }
}

TEST_CASE("a machine that does not begin quarantines nothing, and when it does, all goes through by itself",
          "[R33][R43]") {
    World world;
    world.policy.rollout.timeout = 30ms;
    world.restart();
    std::string services = "services:\n";
    constexpr int count = 24;
    const auto release = [&](const std::string& command) {
        for (int i = 0; i < count; ++i) {
            world.source->put("s" + std::to_string(i) + ".service", unit_file(command));
        }
    };
    for (int i = 0; i < count; ++i) {
        services += "- {name: s" + std::to_string(i) + ".service, sequentialDeployment: true}\n";
    }
    release("good");
    world.declare(services);
    world.settle();
    std::atomic<bool> hangs = true;
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        return hangs && runs(unit, status, "new") ? UnitStatus{Readiness::pending, "not loaded yet"} : status;
    };
    release("new");
    for (int i = 0; i < 3; ++i) {
        const auto report = world.cycle();
        CHECK_FALSE(report.error);
        CHECK(report.result == Outcome::degraded);
    }
    hangs = false;
    (void)world.cycle();
    CHECK(world.cycle().result == Outcome::in_sync);
}

TEST_CASE("what fails while the target is away is started once more, and judged by that", "[R33][R43]") {
    Fleet fleet;
    fleet.policy.rollout.timeout = 300ms;
    fleet.restart();
    const bool is_content_bad = GENERATE(false, true);
    const bool ends_cycle = GENERATE(false, true);
    CAPTURE(is_content_bad, ends_cycle);
    std::atomic<bool> is_away = false;
    std::atomic<bool> has_failed = false;
    std::atomic<int> questions = 0;
    fleet.target->before = [&](const std::string& call) {
        if (call == "apply foo@1.service") is_away = has_failed = true;
        if (call == "set foo@1.service launched") has_failed = is_content_bad;
        if (!is_away || !call.starts_with("status foo@1")) return;
        // It does not answer until the node's time is over, or is back before that.
        if (ends_cycle || ++questions < 3) throw Error(ErrorKind::unavailable, "etcd is away");
        is_away = false;
    };
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        const bool is_meant = unit.name == "foo@1.service" && is_command(unit, "new");
        return is_meant && has_failed ? UnitStatus{Readiness::failed, "exit code 1"} : status;
    };
    fleet.release("new");
    CHECK(fleet.cycle().result == (ends_cycle ? Outcome::failed : Outcome::degraded));
    is_away = false;
    CHECK(fleet.cycle().result == (is_content_bad ? Outcome::halted : Outcome::applied));
    CHECK(fleet.cycle().result == (is_content_bad ? Outcome::quarantined : Outcome::in_sync));
}

TEST_CASE("a wait that an outage ended has all its time again", "[R42][R43]") {
    Fleet fleet;
    fleet.policy.rollout.timeout = 300ms;
    fleet.restart();
    std::atomic<bool> is_away = false;
    std::atomic<int> looks = 0;
    fleet.target->before = [&](const std::string& call) {
        if (call == "apply foo@1.service") is_away = true;
        if (is_away && call == "status foo@1.service") throw Error(ErrorKind::unavailable, "etcd is away");
    };
    fleet.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        const bool starts = unit.name == "foo@1.service" && is_command(unit, "new") && ++looks < 8;
        return starts ? UnitStatus{Readiness::waiting, "starting"} : status;
    };
    fleet.release("new");
    CHECK(fleet.cycle().result == Outcome::failed);
    is_away = false;
    CHECK(fleet.cycle().result == Outcome::applied);
}

TEST_CASE("a leftover of one service keeps only that service waiting", "[R5][R41]") {
    World world;
    world.source->put("left@.service", unit_file("left"));
    std::string services = "services:\n- {name: left@.service, count: 2, sequentialDeployment: true}\n";
    for (int i = 0; i < 30; ++i) {
        const auto name = "s" + std::to_string(i) + ".service";
        world.source->put(name, unit_file(name));
        services += "- name: " + name + "\n";
    }
    std::atomic<bool> is_there = true;
    world.target->judge = [&](const Unit& unit, const UnitStatus& status) {
        const bool is_left = is_there && unit.name == "left@1.service" && status.readiness == Readiness::absent;
        return is_left ? UnitStatus{Readiness::pending, "the old version still runs"} : status;
    };
    world.declare(services);
    const auto report = world.cycle();
    CHECK_FALSE(report.error);
    CHECK(report.result == Outcome::degraded);
    CHECK(holds(group_of(report, "left").detail, "left@1.service is there (the old version still runs)"));
    CHECK(world.target->units().size() == 30);
    is_there = false;
    CHECK(world.cycle().result == Outcome::applied);
    CHECK(world.target->units().size() == 32);
}

TEST_CASE("a rollout that is through is over also while the list is in doubt: the next way back leads to its version",
          "[R17][R43]") {
    Fleet fleet(", on_timeout: rollback");
    const auto declare = [&](int count) {
        fleet.declare("x-note: hands off\nservices:\n- {name: foo@.service, count: " + std::to_string(count) +
                      ", sequentialDeployment: true, on_timeout: rollback}\n- name: bar.service\n");
    };
    declare(3);
    fleet.release("new");
    CHECK(fleet.cycle().result == Outcome::held);
    REQUIRE(fleet.commands() == Commands{"new", "new", "new"});
    fleet.break_command("new", "foo@4.service");
    declare(4);
    (void)fleet.cycle();
    (void)fleet.cycle();
    CHECK(fleet.commands() == Commands{"new", "new", "new", "new"});
}

TEST_CASE("a unit that is gone and no longer wanted is waited for no longer, also while the list is in doubt",
          "[R17][R31][R43]") {
    Fleet fleet;
    const auto declare = [&](int count) {
        fleet.declare("x-note: hands off\nservices:\n- {name: foo@.service, count: " + std::to_string(count) +
                      ", sequentialDeployment: true}\n- name: bar.service\n");
    };
    const auto ledger = [&] {
        return read_ledger(fleet.cache->documents[document_key(ledger_document, fleet.target->identity())]).value();
    };
    fleet.target->before = [](const std::string& call) {
        if (call == "apply foo@4.service") throw Error(ErrorKind::rejected, "no such option");
    };
    declare(4);
    (void)fleet.cycle();
    REQUIRE(ledger().unproven == Commands{"foo@4.service"});
    declare(3);
    (void)fleet.cycle();
    CHECK(ledger().unproven.empty());
    CHECK(ledger().rollouts.empty());
}

namespace {

/// A node with a sidekick that stops along with the node.
struct Pair : World {
    Pair() {
        source->put("foo-sidekick@.service", unit_file("tell"));
        declare(
            "services:\n- {name: foo@.service, count: 1, sequentialDeployment: true}\n- {name: foo-sidekick@.service, "
            "count: 1}\n- name: "
            "bar.service\n");
        settle();
        target->before = [this](const std::string& call) { follow(call); };
        target->judge = [this](const Unit& unit, const UnitStatus& status) {
            const bool is_down = is_launched(unit, "foo-sidekick@1.service") && !sidekick_runs;
            return is_down ? UnitStatus{Readiness::waiting, "inactive (dead)"} : status;
        };
    }

    static bool is_launched(const Unit& unit, const std::string& name) {
        return unit.name == name && unit.desired_state == DesiredState::launched;
    }
    void follow(const std::string& call) {
        if (call == "apply foo@1.service") sidekick_runs = false;
        if (call == "set foo-sidekick@1.service launched") sidekick_runs = !is_broken;
    }

    std::atomic<bool> sidekick_runs = true;
    std::atomic<bool> is_broken = false;
};

}  // namespace

TEST_CASE("a sidekick that stays down beside a healthy node is told in every cycle, and holds nothing else up",
          "[R25][R42]") {
    Pair pair;
    pair.policy.resync_interval = 0ms;
    pair.policy.rollout.placement_grace = 0ms;
    pair.health = std::make_shared<FakeHealth>();
    pair.restart();
    pair.is_broken = true;
    pair.source->put("foo@.service", unit_file("new"));
    pair.declare(
        "services:\n- {name: foo@.service, count: 1, sequentialDeployment: true, healthURL: 'http://h/'}\n"
        "- {name: foo-sidekick@.service, count: 1}\n");
    const auto report = pair.cycle();
    CHECK(pair.target->names() == std::vector<std::string>{"foo-sidekick@1.service", "foo@1.service"});
    const std::vector<NotReady> down{{"foo-sidekick@1.service", "inactive (dead)", false}};
    CHECK(report.not_ready == down);
    for (int i = 0; i < 3; ++i) {
        if (i == 2) pair.restart();
        const auto again = pair.cycle();
        CHECK(again.not_ready == down);
        CHECK(again.changes.empty());
    }
    pair.sidekick_runs = true;
    (void)pair.cycle();
    CHECK(pair.cycle().not_ready.empty());
}

TEST_CASE("a new sidekick that never came up keeps what it replaces, also when its node alone changes after that",
          "[R25]") {
    Pair pair;
    pair.health = std::make_shared<FakeHealth>();
    pair.policy.rollout.timeout = 30ms;
    pair.restart();
    pair.is_broken = true;
    pair.sidekick_runs = false;
    pair.source->put("foo-sidekick@.service", unit_file("tell --new"));
    pair.declare(
        "services:\n- {name: foo@.service, count: 1, sequentialDeployment: true, on_timeout: continue}\n"
        "- {name: foo-sidekick@.service, count: 1}\n");
    for (int i = 0; i < 3; ++i) {
        pair.source->put("foo@.service", unit_file("new " + std::to_string(i)));
        (void)pair.cycle();
        (void)pair.cycle();
        CHECK(pair.target->units().count("bar.service") == 1);
    }
}

TEST_CASE("the snapshot is gone before a unit is put to rest to be started once more", "[R33]") {
    Pair pair;
    pair.policy.rollout.timeout = 30ms;
    pair.restart();
    std::atomic<bool> starts = true;
    pair.target->judge = [&, judge = pair.target->judge](const Unit& unit, const UnitStatus& status) {
        const bool is_late = Pair::is_launched(unit, "foo@1.service") && is_command(unit, "new") && starts;
        return is_late ? UnitStatus{Readiness::waiting, "starting"} : judge(unit, status);
    };
    pair.source->put("foo@.service", unit_file("new"));
    CHECK(pair.cycle().result == Outcome::halted);
    for (int i = 0; i < 2; ++i) (void)pair.cycle();
    // As long as nothing is put to rest, a look at the node costs no listing.
    pair.target->forget_calls();
    (void)pair.cycle();
    CHECK(pair.target->count("status foo@1.service") > 0);
    CHECK(pair.target->count("list") == 0);
    starts = false;
    pair.sidekick_runs = false;
    const auto snapshot = document_key(snapshot_document, pair.target->identity());
    bool had_snapshot = true;
    pair.target->before = [&, before = pair.target->before](const std::string& call) {
        if (call == "set foo-sidekick@1.service inactive") had_snapshot = pair.cache->documents.contains(snapshot);
        before(call);
    };
    (void)pair.cycle();
    CHECK(pair.target->count("set foo-sidekick@1.service inactive") > 0);
    CHECK_FALSE(had_snapshot);
}
