#include "cycle/destroys.hpp"

#include "support/catch.hpp"

#include <deployer/unit_name.hpp>

#include <string>
#include <variant>
#include <vector>

using namespace deployer;

namespace {

ChangeResult planned(ChangeKind kind, const std::string& unit) {
    Change change;
    change.kind = kind;
    change.unit = unit;
    change.service = service_name(unit);
    return {change, ChangeStatus::planned, {}};
}

/// A plan with an update, and destroys in two services.
struct Scene {
    CycleReport report;
    EventStream events;
    std::vector<std::string> told;

    Scene() {
        report.changes = {planned(ChangeKind::update, "foo@1.service"),
                          planned(ChangeKind::remove_node, "foo@3.service"),
                          planned(ChangeKind::destroy_group, "bar.service")};
        events.subscribe([this](const Event& event) {
            if (const auto* const ended = std::get_if<ChangeEnded>(&event)) told.push_back(ended->result.change.unit);
        });
    }
};

}  // namespace

TEST_CASE("destroys that cannot happen are skipped with the reason, and nothing else is", "[R25]") {
    Scene scene;
    scene.report.changes[1].status = ChangeStatus::done;
    skip_destroys(scene.report, "the cycle ended early", scene.events);
    CHECK(scene.report.changes[0].status == ChangeStatus::planned);
    CHECK(scene.report.changes[1].status == ChangeStatus::done);
    CHECK(scene.report.changes[2].status == ChangeStatus::skipped);
    CHECK(scene.report.changes[2].error == "not begun: the cycle ended early");
    CHECK(scene.told == std::vector<std::string>{"bar.service"});
}

TEST_CASE("a unit that an earlier cycle changed and that is not ready keeps all units from being destroyed", "[R25]") {
    Scene scene;
    scene.report.not_ready = {{"qux.service", "activating"}};
    keep_back_destroys(scene.report, {}, scene.events);
    CHECK(scene.told == std::vector<std::string>{"foo@3.service", "bar.service"});
    CHECK(scene.report.changes[2].error == "not begun: qux.service, changed by an earlier cycle, is not ready");
}

TEST_CASE("a surplus unit keeps only its own service from being destroyed", "[R25]") {
    Scene scene;
    scene.report.not_ready = {{"foo@4.service", "not scheduled"}};
    keep_back_destroys(scene.report, {"foo@4.service"}, scene.events);
    CHECK(scene.told == std::vector<std::string>{"foo@3.service"});
    CHECK(scene.report.changes[1].error == "not begun: foo@4.service is on no machine");
    CHECK(scene.report.changes[2].status == ChangeStatus::planned);
}

TEST_CASE("a unit that no cycle changed and that does not run keeps nothing from being destroyed", "[R25]") {
    Scene scene;
    scene.report.not_ready = {{"qux.timer", "inactive", false}};
    keep_back_destroys(scene.report, {}, scene.events);
    CHECK(scene.told.empty());
}
