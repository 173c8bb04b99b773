#include "support/catch.hpp"
#include "support/fleet/systemd.hpp"

#include <deployer/unit_file.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace deployer;
using namespace deployer::simulated;
using namespace std::chrono_literals;

namespace {

/// A unit with options for [Unit], written as "Name=value", and for [Service].
Unit unit(std::string name, const std::vector<std::string>& relations = {},
          const std::vector<std::string>& service = {}) {
    Unit unit{std::move(name), {}, DesiredState::launched};
    const auto add = [&](const std::string& section, const std::string& line) {
        const auto equals = line.find('=');
        unit.options.push_back({section, line.substr(0, equals), line.substr(equals + 1)});
    };
    for (const auto& line : relations) add("Unit", line);
    for (const auto& line : service) add("Service", line);
    if (service.empty() || !service.front().starts_with("ExecStart=")) add("Service", "ExecStart=/bin/v1");
    return unit;
}

Unit with_command(Unit unit, const std::string& command) {
    for (auto& option : unit.options) {
        if (option.name == "ExecStart") option.value = command;
    }
    return unit;
}

const std::vector<std::string> slow_stop{"ExecStop=/bin/sleep 2"};

/// A machine, with a clock.
class Machine {
public:
    explicit Machine(const std::vector<Unit>& units) : systemd([this](const Unit& one) { return fates[one.name]; }) {
        for (const auto& one : units) systemd.write(one);
        systemd.reload();
    }

    void advance(Time time) { systemd.advance(now += time); }
    [[nodiscard]] std::string state(const std::string& name) const {
        const auto view = systemd.view(name);
        return view.active + ' ' + view.sub;
    }
    [[nodiscard]] std::size_t invocation(const std::string& name) const {
        const auto process = systemd.process(name);
        return process ? process->invocation : 0;
    }
    [[nodiscard]] bool runs(const Unit& content) const {
        const auto process = systemd.process(content.name);
        return process && process->content == unit_file_hash(content.options);
    }
    void replace_file(const Unit& one) {
        systemd.erase(one.name);
        systemd.write(one);
        systemd.reload();
    }

    std::map<std::string, Fate> fates;
    Time now{0};
    Systemd systemd;
};

const Unit node = unit("foo@1.service");
const Unit sidekick = unit("foo-sidekick@1.service", {"BindsTo=foo@%i.service", "After=foo@%i.service"}, slow_stop);

}  // namespace

TEST_CASE("systemd model: a service that is started runs what its file says, and another file changes no process") {
    Machine machine({node});
    CHECK(machine.state("foo@1.service") == "inactive dead");
    CHECK(machine.systemd.view("foo@1.service").load == "loaded");
    CHECK(machine.systemd.view("bar.service").load == "not-found");
    CHECK(machine.systemd.start("foo@1.service"));
    CHECK(machine.state("foo@1.service") == "active running");
    CHECK(machine.runs(node));
    const auto other = with_command(node, "/bin/v2");
    machine.replace_file(other);
    CHECK(machine.systemd.start("foo@1.service"));
    CHECK(machine.runs(node));
    CHECK(machine.invocation("foo@1.service") == 1);
    machine.systemd.stop("foo@1.service");
    machine.advance(1s);
    machine.systemd.start("foo@1.service");
    CHECK(machine.runs(other));
    CHECK(machine.invocation("foo@1.service") == 2);
    CHECK_FALSE(machine.systemd.start("bar.service"));
    CHECK_FALSE(machine.systemd.stop("bar.service"));
}

TEST_CASE("systemd model: a stop takes as long as ExecStop= and the process take") {
    const auto slow = unit("foo.service", {}, {"ExecStop=-/bin/true", "ExecStop=/bin/sh -c 'sleep 0.5'", slow_stop[0]});
    Machine machine({slow});
    machine.systemd.start("foo.service");
    machine.systemd.stop("foo.service");
    CHECK(machine.state("foo.service") == "deactivating stop");
    CHECK(machine.systemd.job("foo.service") == "stop running");
    CHECK(machine.invocation("foo.service") == 1);
    machine.advance(2'499ms);
    CHECK(machine.state("foo.service") == "deactivating stop");
    machine.advance(1ms);
    CHECK(machine.state("foo.service") == "deactivating stop-sigterm");
    CHECK(machine.systemd.next_event() == 2'510ms);
    machine.advance(10ms);
    CHECK(machine.state("foo.service") == "inactive dead");
    CHECK(machine.systemd.job("foo.service").empty());
    CHECK_FALSE(machine.systemd.process("foo.service"));
    CHECK_FALSE(machine.systemd.next_event());
}

TEST_CASE("systemd model: a start that meets a unit that stops waits until it has stopped") {
    const auto slow = unit("foo.service", {}, slow_stop);
    Machine machine({slow});
    machine.systemd.start("foo.service");
    machine.systemd.stop("foo.service");
    machine.advance(1s);
    machine.systemd.start("foo.service");
    CHECK(machine.systemd.job("foo.service") == "start waiting");
    CHECK(machine.state("foo.service") == "deactivating stop");
    machine.advance(2s);
    CHECK(machine.state("foo.service") == "active running");
    CHECK(machine.invocation("foo.service") == 2);
}

TEST_CASE("systemd model: a stop goes on to what is bound to the unit, requires it or is part of it") {
    const auto* const relation = GENERATE("BindsTo", "Requires", "Requisite", "PartOf");
    const auto other = unit("bar@1.service", {std::string(relation) + "=foo@%i.service", "After=foo@1.service"});
    Machine machine({node, other});
    machine.systemd.start("foo@1.service");
    machine.systemd.start("bar@1.service");
    machine.systemd.stop("foo@1.service");
    machine.advance(1s);
    CHECK(machine.state("foo@1.service") == "inactive dead");
    CHECK(machine.state("bar@1.service") == "inactive dead");
}

TEST_CASE("systemd model: a stop does not go on to what only wants the unit or comes after it") {
    const auto* const relation = GENERATE("Wants", "After", "Before");
    const auto other = unit("bar.service", {std::string(relation) + "=foo@1.service"});
    Machine machine({node, other});
    machine.systemd.start("foo@1.service");
    machine.systemd.start("bar.service");
    machine.systemd.stop("foo@1.service");
    machine.advance(1s);
    CHECK(machine.state("bar.service") == "active running");
}

TEST_CASE("systemd model: a start goes on to what the unit requires, is bound to or wants") {
    const auto* const relation = GENERATE("Requires", "BindsTo", "Wants");
    Machine machine({node, unit("bar.service", {std::string(relation) + "=foo@1.service"})});
    machine.systemd.start("bar.service");
    CHECK(machine.state("foo@1.service") == "active running");
    CHECK(machine.state("bar.service") == "active running");
}

TEST_CASE("systemd model: what a unit needs and cannot have refuses it, what it wants does not") {
    Machine machine({unit("bar.service", {"BindsTo=gone.service"}), unit("baz.service", {"Requires=bar.service"}),
                     unit("wants.service", {"Wants=bar.service"}), unit("os.service", {"Requires=docker.service"})});
    CHECK_FALSE(machine.systemd.start("bar.service"));
    CHECK_FALSE(machine.systemd.start("baz.service"));
    CHECK(machine.state("baz.service") == "inactive dead");
    CHECK(machine.systemd.start("wants.service"));
    CHECK(machine.state("wants.service") == "active running");
    CHECK(machine.state("bar.service") == "inactive dead");
    CHECK(machine.systemd.start("os.service"));
    CHECK(machine.state("os.service") == "active running");
}

TEST_CASE("systemd model: a unit that is required and fails takes the start of the other along") {
    Machine machine({node, unit("bar.service", {"Requires=foo@1.service", "After=foo@1.service"})});
    machine.fates["foo@1.service"] = Fate::fail;
    machine.systemd.start("bar.service");
    CHECK(machine.state("foo@1.service") == "failed failed");
    CHECK(machine.state("bar.service") == "inactive dead");
    CHECK(machine.systemd.job("bar.service").empty());
}

TEST_CASE("systemd model: a unit that is bound to one that is down, and comes after it, is not started") {
    Machine machine({node, sidekick, unit("late.service", {"Requisite=foo@1.service"})});
    machine.fates["foo@1.service"] = Fate::fail;
    machine.systemd.start("foo-sidekick@1.service");
    CHECK(machine.state("foo-sidekick@1.service") == "inactive dead");
    machine.systemd.start("late.service");
    CHECK(machine.state("late.service") == "inactive dead");
}

TEST_CASE("systemd model: a stop waits for the stops of the units that come after it") {
    const auto ordered = GENERATE(std::pair{node, sidekick},
                                  std::pair{unit("foo@1.service", {"Before=foo-sidekick@1.service"}),
                                            unit("foo-sidekick@1.service", {"PartOf=foo@1.service"}, slow_stop)});
    Machine machine({ordered.first, ordered.second});
    machine.systemd.start("foo@1.service");
    machine.systemd.start("foo-sidekick@1.service");
    machine.systemd.stop("foo@1.service");
    CHECK(machine.systemd.job("foo@1.service") == "stop waiting");
    CHECK(machine.systemd.job("foo-sidekick@1.service") == "stop running");
    CHECK(machine.state("foo@1.service") == "active running");
    machine.advance(2'010ms);
    CHECK(machine.state("foo-sidekick@1.service") == "inactive dead");
    CHECK(machine.state("foo@1.service") == "deactivating stop-sigterm");
    machine.advance(10ms);
    CHECK(machine.state("foo@1.service") == "inactive dead");
}

TEST_CASE("systemd model: without an order between them, units stop side by side") {
    Machine machine({node, unit("foo-sidekick@1.service", {"BindsTo=foo@%i.service"}, slow_stop)});
    machine.systemd.start("foo@1.service");
    machine.systemd.start("foo-sidekick@1.service");
    machine.systemd.stop("foo@1.service");
    machine.advance(10ms);
    CHECK(machine.state("foo@1.service") == "inactive dead");
    CHECK(machine.state("foo-sidekick@1.service") == "deactivating stop");
}

TEST_CASE("systemd model: a start that replaces a stop that still waits leaves the old process running for good") {
    Machine machine({node, sidekick});
    machine.systemd.start("foo@1.service");
    machine.systemd.start("foo-sidekick@1.service");
    machine.systemd.stop("foo@1.service");
    machine.advance(15ms);
    machine.replace_file(with_command(node, "/bin/v2"));
    machine.systemd.start("foo@1.service");
    CHECK(machine.systemd.job("foo@1.service") == "start waiting");
    machine.advance(1min);
    CHECK(machine.state("foo@1.service") == "active running");
    CHECK(machine.runs(node));
    CHECK(machine.invocation("foo@1.service") == 1);
    // A unit that was stopped along with another is not started again.
    CHECK(machine.state("foo-sidekick@1.service") == "inactive dead");
}

TEST_CASE("systemd model: a start that comes when the stop has begun is a start") {
    Machine machine({node, unit(sidekick.name, {"BindsTo=foo@%i.service", "After=foo@%i.service"})});
    machine.systemd.start("foo@1.service");
    machine.systemd.start("foo-sidekick@1.service");
    machine.systemd.stop("foo@1.service");
    machine.advance(10ms);
    CHECK(machine.state("foo@1.service") == "deactivating stop-sigterm");
    const auto other = with_command(node, "/bin/v2");
    machine.replace_file(other);
    machine.systemd.start("foo@1.service");
    machine.advance(1min);
    CHECK(machine.runs(other));
    CHECK(machine.invocation("foo@1.service") == 3);
}

TEST_CASE("systemd model: a node that wants its sidekick has it started again, and still keeps its old process") {
    const auto wanting = unit("foo@1.service", {"Wants=foo-sidekick@%i.service"});
    Machine machine({wanting, sidekick});
    machine.systemd.start("foo@1.service");
    CHECK(machine.state("foo-sidekick@1.service") == "active running");
    machine.systemd.stop("foo@1.service");
    machine.replace_file(with_command(wanting, "/bin/v2"));
    machine.systemd.start("foo@1.service");
    CHECK(machine.systemd.job("foo-sidekick@1.service") == "start waiting");
    machine.advance(1min);
    CHECK(machine.invocation("foo@1.service") == 1);
    CHECK(machine.state("foo-sidekick@1.service") == "active running");
    CHECK(machine.invocation("foo-sidekick@1.service") == 3);
}

TEST_CASE("systemd model: the start of a sidekick replaces the waiting stop of its node, too") {
    Machine machine({node, sidekick});
    machine.systemd.start("foo-sidekick@1.service");
    machine.systemd.stop("foo-sidekick@1.service");
    machine.systemd.stop("foo@1.service");
    machine.replace_file(with_command(node, "/bin/v2"));
    machine.systemd.start("foo-sidekick@1.service");
    CHECK(machine.systemd.job("foo@1.service").empty());
    machine.advance(1min);
    CHECK(machine.runs(node));
    CHECK(machine.state("foo-sidekick@1.service") == "active running");
}

TEST_CASE("systemd model: a unit that only comes after another one delays that one's stop") {
    const auto base = unit("b.service");
    const auto late = unit("a.service", {"After=b.service"}, slow_stop);
    Machine machine({base, late});
    machine.systemd.start("b.service");
    machine.systemd.start("a.service");
    SECTION("when both stop, and it is started before that one") {
        machine.systemd.stop("a.service");
        machine.systemd.stop("b.service");
        CHECK(machine.systemd.job("b.service") == "stop waiting");
        machine.systemd.start("b.service");
        machine.advance(1min);
        CHECK(machine.invocation("b.service") == 1);
        CHECK(machine.state("a.service") == "inactive dead");
    }
    SECTION("until that one is to start again: then nobody's stop is in the way") {
        machine.systemd.stop("a.service");
        machine.systemd.stop("b.service");
        machine.systemd.start("a.service");
        CHECK(machine.systemd.job("b.service") == "stop running");
        machine.systemd.start("b.service");
        machine.advance(1min);
        CHECK(machine.invocation("b.service") == 3);
        CHECK(machine.invocation("a.service") == 4);
    }
    SECTION("not when it had begun") {
        machine.systemd.stop("b.service");
        machine.systemd.stop("a.service");
        CHECK(machine.systemd.job("b.service") == "stop running");
    }
}

TEST_CASE("systemd model: a start waits for what it comes after, also for its start") {
    Machine machine({node, sidekick});
    machine.fates["foo@1.service"] = Fate::hang;
    machine.systemd.start("foo-sidekick@1.service");
    CHECK(machine.state("foo@1.service") == "activating start");
    CHECK(machine.systemd.job("foo@1.service") == "start running");
    CHECK(machine.systemd.job("foo-sidekick@1.service") == "start waiting");
    machine.advance(1h);
    CHECK(machine.state("foo-sidekick@1.service") == "inactive dead");
    machine.systemd.stop("foo@1.service");
    CHECK(machine.systemd.job("foo-sidekick@1.service").empty());
    machine.advance(1s);
    CHECK(machine.state("foo@1.service") == "inactive dead");
}

TEST_CASE("systemd model: what is bound to a unit that dies goes down, what requires it stays") {
    Machine machine({node, sidekick, unit("bar.service", {"Requires=foo@1.service", "After=foo@1.service"})});
    machine.systemd.start("foo-sidekick@1.service");
    machine.systemd.start("bar.service");
    machine.systemd.crash("foo@1.service");
    CHECK(machine.state("foo@1.service") == "failed failed");
    CHECK(machine.state("foo-sidekick@1.service") == "deactivating stop");
    machine.advance(3s);
    CHECK(machine.state("foo-sidekick@1.service") == "inactive dead");
    CHECK(machine.state("bar.service") == "active running");
}

TEST_CASE("systemd model: a unit that is restarted after its end takes down what is bound to it, which stays down") {
    const auto restarting = unit("foo@1.service", {}, {"Restart=always"});
    Machine machine({restarting, unit(sidekick.name, {"BindsTo=foo@%i.service", "After=foo@%i.service"})});
    machine.systemd.start("foo-sidekick@1.service");
    machine.systemd.crash("foo@1.service");
    CHECK(machine.state("foo@1.service") == "activating auto-restart");
    machine.advance(1s);
    CHECK(machine.state("foo@1.service") == "active running");
    CHECK(machine.state("foo-sidekick@1.service") == "inactive dead");
}

TEST_CASE("systemd model: jobs that change nothing are left out") {
    Machine machine({node, sidekick});
    machine.systemd.start("foo-sidekick@1.service");
    machine.systemd.start("foo@1.service");
    CHECK(machine.systemd.job("foo@1.service").empty());
    CHECK(machine.invocation("foo@1.service") == 1);
    machine.systemd.stop("foo-sidekick@1.service");
    machine.systemd.stop("foo-sidekick@1.service");
    CHECK(machine.systemd.job("foo-sidekick@1.service") == "stop running");
    machine.advance(3s);
    machine.systemd.stop("foo@1.service");
    CHECK(machine.systemd.job("foo-sidekick@1.service").empty());
}

TEST_CASE("systemd model: a unit that is at rest and that nothing in memory names is forgotten") {
    Machine machine({node, sidekick});
    CHECK_FALSE(machine.systemd.reset_failed("foo@1.service"));
    machine.systemd.start("foo-sidekick@1.service");
    CHECK(machine.systemd.reset_failed("foo@1.service"));
    machine.systemd.stop("foo@1.service");
    machine.advance(2'015ms);
    CHECK(machine.systemd.is_loaded("foo@1.service"));
    machine.advance(1s);
    CHECK_FALSE(machine.systemd.is_loaded("foo@1.service"));
    CHECK_FALSE(machine.systemd.is_loaded("foo-sidekick@1.service"));
    machine.fates["foo@1.service"] = Fate::fail;
    machine.systemd.start("foo@1.service");
    CHECK(machine.systemd.is_loaded("foo@1.service"));
    CHECK(machine.systemd.reset_failed("foo@1.service"));
    CHECK(machine.state("foo@1.service") == "inactive dead");
}

TEST_CASE("systemd model: what units come to, by their types and fates") {
    Machine machine({unit("once.service", {}, {"Type=oneshot"}),
                     unit("stays.service", {}, {"Type=oneshot", "RemainAfterExit=yes"}), unit("bad.service"),
                     unit("again.service"), unit("slow.service"), unit("masked.service"), unit("foo.timer"),
                     unit("foo.socket")});
    machine.fates = {{"bad.service", Fate::fail},
                     {"again.service", Fate::restart},
                     {"slow.service", Fate::hang},
                     {"masked.service", Fate::masked}};
    machine.replace_file(unit("masked.service"));
    for (const auto* name : {"once.service", "stays.service", "bad.service", "again.service", "slow.service",
                             "masked.service", "foo.timer", "foo.socket"}) {
        CHECK(machine.systemd.start(name) == (name != std::string("masked.service")));
    }
    CHECK(machine.state("once.service") == "activating start");
    CHECK(machine.systemd.is_up("once.service"));
    machine.advance(2s);
    CHECK(machine.state("once.service") == "inactive dead");
    CHECK_FALSE(machine.systemd.last_content("once.service").empty());
    CHECK(machine.state("stays.service") == "active exited");
    CHECK(machine.state("bad.service") == "failed failed");
    CHECK(machine.state("again.service") == "activating auto-restart");
    CHECK(machine.state("slow.service") == "activating start");
    CHECK(machine.systemd.view("masked.service").load == "masked");
    CHECK(machine.state("foo.timer") == "active waiting");
    CHECK(machine.state("foo.socket") == "active listening");
    CHECK_FALSE(machine.systemd.is_up("slow.service"));
    machine.systemd.stop("again.service");
    CHECK(machine.state("again.service") == "inactive dead");
    machine.systemd.stop("foo.timer");
    CHECK(machine.state("foo.timer") == "inactive dead");
}

TEST_CASE("systemd model: specifiers in relations") {
    CHECK(with_specifiers("%n %N %p %i %j %% %H", "a-b@c-d.service") == "a-b@c-d.service a-b@c-d a-b c-d b % %H");
    CHECK(with_specifiers("%i|%p%", "plain.service") == "|plain%");
    const auto relations = relations_of(unit("x@2.service", {"After=a.service  b@%i.service", "After=c.service"}));
    CHECK(relations.after == Names{"a.service", "b@2.service", "c.service"});
}
