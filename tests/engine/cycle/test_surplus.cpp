#include "cycle/surplus.hpp"

#include "support/catch.hpp"

#include <set>
#include <string>
#include <vector>

using namespace deployer;

namespace {

using Names = std::set<std::string>;

ActualState cluster_of(const std::vector<std::string>& names) {
    ActualState actual;
    for (const auto& name : names) actual.units.push_back({name, make_content({}), DesiredState::launched});
    return actual;
}

ChangeResult created(const std::string& unit, ChangeStatus status) {
    Change change;
    change.kind = ChangeKind::add_node;
    change.unit = unit;
    return {change, status, {}};
}

}  // namespace

TEST_CASE("a node that found no machine is surplus where another node of its service is up", "[R25]") {
    CycleReport report;
    SECTION("when it is new") {
        report.changes = {created("foo@5.service", ChangeStatus::failed),
                          created("foo-sidekick@5.service", ChangeStatus::failed)};
    }
    SECTION("when an earlier cycle created it") {
        report.not_ready = {{"foo@5.service", "not scheduled"}, {"foo-sidekick@5.service", "because of foo@5.service"}};
    }
    CHECK(find_surplus({"foo@5.service"}, cluster_of({"foo@1.service", "foo@5.service"}), report) ==
          Names{"foo@5.service", "foo-sidekick@5.service"});
}

TEST_CASE("a service of which nothing else is known to be up may be the new name of another", "[R25]") {
    CycleReport report;
    report.changes = {created("new@1.service", ChangeStatus::failed)};
    CHECK(find_surplus({"new@1.service"}, cluster_of({"old@1.service"}), report).empty());
    report.changes = {created("new.service", ChangeStatus::failed)};
    CHECK(find_surplus({"new.service"}, cluster_of({"old.service"}), report).empty());
    report.changes = {created("new@1.service", ChangeStatus::failed), created("new@2.service", ChangeStatus::failed)};
    CHECK(find_surplus({"new@2.service"}, cluster_of({}), report).empty());
    report.changes.clear();
    report.not_ready = {{"new@1.service", "starting"}, {"new@2.service", "not scheduled"}};
    CHECK(find_surplus({"new@2.service"}, cluster_of({"new@1.service", "new@2.service"}), report).empty());
    // A sidekick that is in order does not show that its node is.
    report.not_ready = {{"new@2.service", "not scheduled"}};
    CHECK(find_surplus({"new@2.service"}, cluster_of({"new-sidekick@1.service", "new@2.service"}), report).empty());
}

TEST_CASE("of a new service, the nodes that only just came up do not count", "[R25]") {
    CycleReport report;
    report.changes = {created("foo@1.service", ChangeStatus::done), created("foo@2.service", ChangeStatus::failed)};
    CHECK(find_surplus({"foo@2.service"}, cluster_of({}), report).empty());
    CHECK(find_surplus({"foo@2.service"}, cluster_of({"foo@1.service"}), report) == Names{"foo@2.service"});
}

TEST_CASE("a service with fewer nodes than it lacks is not up without those", "[R25]") {
    CycleReport report;
    report.changes = {created("foo@2.service", ChangeStatus::failed), created("foo@3.service", ChangeStatus::failed)};
    const std::set<std::string> unplaced{"foo@2.service", "foo@3.service"};
    CHECK(find_surplus(unplaced, cluster_of({"foo@1.service"}), report).empty());
    CHECK(find_surplus(unplaced, cluster_of({"foo@1.service", "foo@4.service"}), report) == unplaced);
}

TEST_CASE("a node that is not ready for another reason is no surplus", "[R25]") {
    CycleReport report;
    report.not_ready = {{"foo@4.service", "failed"}, {"foo@5.service", "not scheduled"}};
    const auto cluster = cluster_of({"foo@1.service", "foo@4.service", "foo@5.service"});
    CHECK(find_surplus({"foo@5.service"}, cluster, report) == Names{"foo@5.service"});
    CHECK(find_surplus({}, cluster, report).empty());
}
