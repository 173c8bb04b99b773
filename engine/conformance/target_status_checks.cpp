#include "conformance/expectation.hpp"
#include "conformance/target_checks.hpp"
#include "conformance/target_stage.hpp"

namespace deployer::conformance {
namespace {

void check_ready(TargetStage& stage) {
    const auto unit = stage.unit();
    stage.apply(unit);
    stage.expect_ready(unit);
}

void check_other_version(TargetStage& stage) {
    const auto former = stage.unit("one");
    auto latter = former;
    latter.options = TargetStage::options("two");
    stage.apply(former);
    stage.expect_ready(former);
    const auto untouched = stage.status(latter).readiness;
    expect(untouched != Readiness::ready, "ready is said of a version that was never applied");
    expect(untouched != Readiness::absent, "absent is said of a unit that is there in another version");
    stage.apply(latter);
    const bool came_up = eventually(stage.subject().settings().timeout, [&] {
        if (!stage.is_ready(latter)) return false;
        expect(!stage.is_ready(former), "ready is said of the former version after the latter was ready");
        return true;
    });
    expect(came_up, "the version that was applied last is not ready in time: " + stage.status(latter).detail);
}

void check_other_state(TargetStage& stage) {
    auto unit = stage.unit();
    stage.apply(unit);
    stage.expect_ready(unit);
    for (const auto state : {DesiredState::inactive, DesiredState::loaded}) {
        unit.desired_state = state;
        expect(!stage.is_ready(unit), "it is launched, and ready is said of it as " + std::string(to_string(state)));
    }
}

void check_absent(TargetStage& stage) {
    const auto unit = stage.unit();
    expect(stage.is_absent(unit), "of a unit that was never there: " + stage.status(unit).detail);
    stage.apply(unit);
    expect(eventually(stage.subject().settings().timeout, [&] { return !stage.is_absent(unit); }),
           "absent is said of a unit that was applied");
    stage.destroy(unit);
    expect(eventually(stage.subject().settings().timeout, [&] { return stage.is_absent(unit); }),
           "of a unit that was destroyed: " + stage.status(unit).detail);
}

}  // namespace

std::vector<Check> checks_of_status() {
    return {
        {"a launched unit becomes ready", on_stage(check_ready)},
        {"status() is never ready for another version", on_stage(check_other_version)},
        {"status() is never ready for another desired state", on_stage(check_other_state)},
        {"status() tells exactly what is absent", on_stage(check_absent)},
    };
}

}  // namespace deployer::conformance
