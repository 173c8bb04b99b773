#include "support/bound_services.hpp"
#include "support/catch.hpp"
#include "support/fleet_double.hpp"
#include "support/fleet_target.hpp"
#include "support/test_call.hpp"

#include <deployer/unit_file.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;

Unit node_of(const BoundService& service, const std::string& name, const std::string& version) {
    return {name, parse_unit_file(service.node(version)), DesiredState::launched};
}

Unit sidekick_of(const BoundService& service, const std::string& name, const std::string& version) {
    return {name, parse_unit_file(service.sidekick(version)), DesiredState::launched};
}

/// Adds foo@1.service and its sidekick.
void add_bound(FleetDouble& fleet, const BoundService& service) {
    fleet.add(node_of(service, "foo@1.service", "v1"));
    fleet.add(sidekick_of(service, "foo-sidekick@1.service", "s1"));
}

/// A target that has listed the units. The requests so far are not in the double's record.
std::shared_ptr<Target> open_knowing(FleetDouble& fleet, const Call& call) {
    auto target = open_fleet(fleet, quick_stops);
    (void)target->list(call);
    fleet.forget_requests();
    return target;
}

void check_truthful(const FleetDouble& fleet) {
    const auto lies = joined(fleet.lies());
    CAPTURE(lies);
    CHECK(lies.empty());
}

}  // namespace

TEST_CASE("fleet: an update that is told as ready has the process of the new content", "[R42]") {
    const std::string exec_stop = GENERATE("/bin/true", "/bin/sleep 0.1", "/bin/sleep 2");
    const bool is_wanted = GENERATE(false, true);
    const bool is_sidekick_changed = GENERATE(false, true);
    CAPTURE(exec_stop, is_wanted, is_sidekick_changed);
    const BoundService service{.exec_stop = exec_stop, .is_wanted = is_wanted};
    FleetDouble fleet({.speed = 100});
    add_bound(fleet, service);
    const auto former = fleet.process("foo@1.service");
    REQUIRE(former);
    const TestCall call;
    const auto target = open_knowing(fleet, call);
    if (is_sidekick_changed) target->apply(sidekick_of(service, "foo-sidekick@1.service", "s2"), call);
    const auto node = node_of(service, "foo@1.service", "v2");
    target->apply(node, call);
    CHECK(wait_until_settled(*target, node, call).readiness == Readiness::ready);
    const auto process = fleet.process("foo@1.service");
    REQUIRE(process);
    CHECK(process->content == unit_file_hash(node.options));
    CHECK(process->invocation != former->invocation);
    fleet.settle();
    check_truthful(fleet);
    for (const auto& unit : fleet.units()) CHECK(unit.desired_state == DesiredState::launched);
}

TEST_CASE("fleet: a unit that nothing is bound to costs one request, also beside those that are", "[R42]") {
    const BoundService service{.is_wanted = GENERATE(false, true)};
    FleetDouble fleet({.speed = 100});
    add_bound(fleet, service);
    auto alone = unit_running("alone.service", "/bin/v1");
    alone.options.push_back({"Unit", "After", "docker.service"});
    fleet.add(alone);
    const TestCall call;
    const auto target = open_knowing(fleet, call);
    alone.options[0].value = "/bin/v2";
    target->apply(alone, call);
    CHECK(fleet.requests() == Lines{"PUT alone.service"});
    fleet.forget_requests();
    target->apply(unit_running("new.service", "/bin/new"), call);
    CHECK(fleet.requests() == Lines{"PUT new.service"});
    fleet.settle();
    check_truthful(fleet);
}

TEST_CASE("fleet: what the update of a bound node costs", "[R42]") {
    const BoundService service{.exec_stop = GENERATE("/bin/true", "/bin/sleep 2"), .is_wanted = GENERATE(false, true)};
    CAPTURE(service.exec_stop, service.is_wanted);
    FleetDouble fleet({.speed = 100});
    add_bound(fleet, service);
    const TestCall call;
    const auto target = open_knowing(fleet, call);
    constexpr std::size_t updates = 5;
    std::size_t requests = 0;
    const auto began = fleet.now();
    for (std::size_t update = 0; update < updates; ++update) {
        const auto node = node_of(service, "foo@1.service", "w" + std::to_string(update));
        fleet.forget_requests();
        target->apply(node, call);
        requests += fleet.requests().size();
        CHECK(wait_until_settled(*target, node, call).readiness == Readiness::ready);
    }
    const std::chrono::duration<double> time = (fleet.now() - began) / updates;
    CAPTURE(requests, time.count());
    // One request replaces the unit; the others make sure that its process is the new one.
    CHECK(requests <= updates * 9);
    CHECK(time < 30s);
    fleet.settle();
    check_truthful(fleet);
}
