#include "conformance/expectation.hpp"
#include "conformance/target_checks.hpp"
#include "conformance/target_stage.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace deployer::conformance {
namespace {

constexpr std::size_t threads_at_once = 8;
constexpr std::size_t units_of_a_thread = 4;

void check_instances(TargetStage& stage) {
    const auto unit = stage.unit();
    const auto other = stage.subject().make<Target>();
    stage.apply(unit);
    const auto lists = [&](Target& target) {
        std::vector<ActualUnit> units;
        expect_success("list()", [&] { units = target.list(stage.subject().call()); });
        return std::any_of(units.begin(), units.end(),
                           [&](const auto& listed) { return listed.unit.name == unit.name; });
    };
    const auto timeout = stage.subject().settings().timeout;
    expect(eventually(timeout, [&] { return lists(*other); }), "what one instance applied, another does not list");
    const auto later = stage.subject().make<Target>();
    expect(eventually(timeout, [&] { return lists(*later); }), "an instance made later does not list what was applied");
    expect_success("destroy()", [&] { other->destroy(unit.name, stage.subject().call()); });
    stage.expect_gone(unit);
}

/// The whole life of a few units.
void live(TargetStage& stage, std::vector<Unit> units) {
    for (auto& unit : units) {
        stage.apply(unit);
        stage.expect_listed(unit);
        (void)stage.status(unit);
        unit.options = TargetStage::options("two");
        stage.apply(unit);
        stage.set(unit, DesiredState::loaded);
        unit.desired_state = DesiredState::loaded;
        stage.expect_listed(unit);
    }
    for (const auto& unit : units) {
        stage.destroy(unit);
        stage.expect_gone(unit);
    }
}

void check_threads(TargetStage& stage) {
    if (stage.target().serial()) throw CheckSkipped("the plugin is serial()");
    std::vector<std::vector<Unit>> units(threads_at_once);
    for (auto& mine : units) {
        for (std::size_t i = 0; i < units_of_a_thread; ++i) mine.push_back(stage.unit());
    }
    side_by_side(threads_at_once, [&](std::size_t i) { live(stage, units[i]); });
}

}  // namespace

std::vector<Check> checks_of_sharing() {
    return {
        {"instances see what other instances did", on_stage(check_instances)},
        {"eight threads at once lose nothing", on_stage(check_threads)},
    };
}

}  // namespace deployer::conformance
