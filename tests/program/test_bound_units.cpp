#include "support/bound_services.hpp"
#include "support/catch.hpp"

#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Ended = LocalCluster::Ended;

/// A scenario; `run` returns the problem at its end, or an empty text.
struct Attempt {
    std::string name;
    std::function<std::string()> run;
    std::string problem = {};
};

/// Runs all attempts concurrently, because they mostly wait.
void check_all(std::vector<Attempt> attempts) {
    {
        std::vector<std::jthread> threads;
        threads.reserve(attempts.size());
        for (auto& attempt : attempts) {
            threads.emplace_back([&attempt] {
                try {
                    attempt.problem = attempt.run();
                } catch (const std::exception& exception) {
                    attempt.problem = exception.what();
                }
            });
        }
    }
    for (const auto& [name, run, problem] : attempts) {
        INFO(name << ": " << problem);
        CHECK(problem.empty());
    }
}

/// The details in the report on services that did not end well.
std::string details_of(const Ended& ended) {
    if (ended.out.empty()) return ended.err;
    std::string details;
    const auto groups = ended.json()->getArray("groups");
    for (unsigned i = 0; i < groups->size(); ++i) {
        const auto group = groups->getObject(i);
        details += group->optValue<std::string>("detail", "") + ' ';
    }
    return details;
}

/// Deploys, and returns what is wrong after the deployer has reported that all is applied.
std::string deploy(BoundFleet& site, const Versions& wanted, bool is_waited_for) {
    const auto ended = site.local.once();
    if (ended.status != 0) return "ended with status " + std::to_string(ended.status) + ", " + details_of(ended);
    // Changes that the deployer does not wait for are still under way.
    if (!is_waited_for) site.fleet.settle();
    return joined(site.wrongs(wanted));
}

std::string update_of(const BoundService& service, bool is_sidekick_changed) {
    BoundFleet site;
    site.local.put("foo@.service", service.node("v1"));
    site.local.put("foo-sidekick@.service", service.sidekick("s1"));
    site.local.declare("services:\n" + service.entries());
    if (auto problem = deploy(site, service.wanted("v1", "s1"), false); !problem.empty()) return "at first: " + problem;
    const std::string sidekick = is_sidekick_changed ? "s2" : "s1";
    site.local.put("foo@.service", service.node("v2"));
    site.local.put("foo-sidekick@.service", service.sidekick(sidekick));
    if (auto problem = deploy(site, service.wanted("v2", sidekick), service.is_sequential); !problem.empty()) {
        return problem;
    }
    site.fleet.settle();
    return joined(site.wrongs(service.wanted("v2", sidekick)));
}

/// Updates kafka.service and zookeeper.service on one machine.
std::string update_across(const std::vector<std::string>& relations, bool is_kafka_changed, bool is_sequential) {
    BoundFleet site({}, {.machines = 1, .speed = 100});
    const auto put = [&](const std::string& kafka, const std::string& zookeeper) {
        std::string text = "[Unit]\nDescription=Kafka\n";
        for (const auto& relation : relations) text += relation + "=zookeeper.service\n";
        site.local.put("kafka.service",
                       text + "[Service]\nExecStop=/bin/sleep 1\nExecStart=/bin/sh -c '" + kafka + "'\n");
        site.local.put_unit("zookeeper.service", zookeeper);
    };
    const std::string rest = is_sequential ? ", sequentialDeployment: true}\n" : "}\n";
    put("v1", "v1");
    site.local.declare("services:\n- {name: zookeeper.service" + rest);
    if (auto problem = deploy(site, {{"zookeeper.service", "v1"}}, false); !problem.empty()) return problem;
    site.local.declare("services:\n- {name: zookeeper.service" + rest + "- {name: kafka.service" + rest);
    if (auto problem = deploy(site, {{"kafka.service", "v1"}, {"zookeeper.service", "v1"}}, false); !problem.empty()) {
        return "at first: " + problem;
    }
    const std::string kafka = is_kafka_changed ? "v2" : "v1";
    put(kafka, "v2");
    return deploy(site, {{"kafka.service", kafka}, {"zookeeper.service", "v2"}}, false);
}

std::string update_without_sidekick() {
    const BoundService service{.exec_stop = "/bin/sleep 2"};
    BoundFleet site("  destroy: true\n  max_destroy: 100%\n");
    site.local.put("foo@.service", service.node("v1"));
    site.local.put("foo-sidekick@.service", service.sidekick("s1"));
    site.local.declare("services:\n" + service.entries());
    if (auto problem = deploy(site, service.wanted("v1", "s1"), false); !problem.empty()) return "at first: " + problem;
    site.local.put("foo@.service", service.node("v2"));
    site.local.declare("services:\n- {name: foo@.service, count: 2, sequentialDeployment: true}\n");
    return deploy(site, {{"foo@1.service", "v2"}, {"foo@2.service", "v2"}}, false);
}

std::string words_for(const BoundService& service, bool is_sidekick_changed) {
    return std::string(service.is_sequential ? "sequential" : "plain") + ", ExecStop=" + service.exec_stop +
           (service.is_wanted ? ", Wants=" : "") + (is_sidekick_changed ? ", sidekick changed" : "");
}

}  // namespace

TEST_CASE(
    "after an update of nodes with sidekicks bound to them, every process is of the new version and every unit runs",
    "[R42]") {
    std::vector<Attempt> attempts;
    for (const auto* const exec_stop : {"/bin/true", "/bin/sleep 0.1", "/bin/sleep 2"}) {
        for (const bool is_wanted : {false, true}) {
            for (const bool is_sequential : {false, true}) {
                for (const bool is_sidekick_changed : {false, true}) {
                    const BoundService service{exec_stop, is_wanted, is_sequential};
                    attempts.push_back({words_for(service, is_sidekick_changed),
                                        [=] { return update_of(service, is_sidekick_changed); }});
                }
            }
        }
    }
    check_all(std::move(attempts));
}

TEST_CASE("after an update of a service that another one requires, or comes after, both run what they are to run",
          "[R42]") {
    std::vector<Attempt> attempts;
    for (const auto& relations :
         std::vector<std::vector<std::string>>{{"Requires", "After"}, {"After"}, {"Wants", "After"}}) {
        for (const bool is_kafka_changed : {false, true}) {
            for (const bool is_sequential : {false, true}) {
                attempts.push_back({joined(relations) + (is_kafka_changed ? ", both changed" : "") +
                                        (is_sequential ? ", sequential" : ""),
                                    [=] { return update_across(relations, is_kafka_changed, is_sequential); }});
            }
        }
    }
    check_all(std::move(attempts));
}

TEST_CASE("a node that is updated while its sidekick is taken away runs the new version", "[R25][R42]") {
    check_all({{"updated", update_without_sidekick}});
}

TEST_CASE("retry starts what failed, once its cause is mended", "[R43]") {
    const bool has_sidekick = GENERATE(false, true);
    CAPTURE(has_sidekick);
    // The clock is slow enough that requests a few milliseconds apart are close together for the agents, too.
    BoundFleet site({}, {.speed = 20});
    const BoundService service{.exec_stop = "/bin/sleep 0.1"};
    site.local.put("foo@.service", service.node("v1"));
    site.local.put("foo-sidekick@.service", service.sidekick("s1"));
    const std::string node = "- {name: foo@.service, count: 2, sequentialDeployment: true}\n";
    site.local.declare("services:\n" + (has_sidekick ? service.entries() : node));
    const auto wanted = [&](const std::string& version) {
        auto units = service.wanted(version, "s1");
        std::erase_if(units, [&](const auto& unit) { return !has_sidekick && unit.first.starts_with("foo-sidekick"); });
        return units;
    };
    REQUIRE(deploy(site, wanted("v1"), false).empty());
    site.fleet.behave("foo@*", FleetDouble::Behaviour::fail, "v2");
    site.local.put("foo@.service", service.node("v2"));
    const auto halted = site.local.once();
    INFO(halted.out << halted.err);
    REQUIRE(halted.status == 4);
    REQUIRE(site.fleet.truth("foo@1.service") == "failed (failed)");

    site.fleet.behave("foo@*", FleetDouble::Behaviour::run);
    REQUIRE(site.local.run("retry", {"foo"}).status == 0);
    const auto retried = site.local.once();
    INFO(retried.out << retried.err);
    CHECK(retried.status == 0);
    site.fleet.settle();
    const auto wrongs = joined(site.wrongs(wanted("v2")));
    CAPTURE(wrongs);
    CHECK(wrongs.empty());
}
