#include "conformance/expectation.hpp"
#include "conformance/target_checks.hpp"
#include "conformance/target_stage.hpp"

#include <deployer/unit_file.hpp>

#include <algorithm>
#include <utility>

namespace deployer::conformance {
namespace {

void check_apply(TargetStage& stage) {
    for (const auto state : {DesiredState::inactive, DesiredState::loaded, DesiredState::launched}) {
        const auto unit = stage.unit("one", state);
        stage.apply(unit);
        stage.expect_listed(unit);
    }
}

void check_content(TargetStage& stage, const std::vector<UnitOption>& options) {
    auto unit = stage.unit("one", DesiredState::inactive);
    unit.options = options;
    const auto error = error_of([&] { stage.target().apply(unit, stage.subject().call()); });
    // A target may refuse a unit for reasons of its own, as long as it rejects the unit.
    if (error && error->kind() == ErrorKind::rejected && !stage.find(unit)) {
        throw CheckSkipped(std::string("the target rejects it: ") + error->what());
    }
    if (error) throw CheckFailed("apply() failed as " + std::string(to_string(error->kind())) + ": " + error->what());
    stage.expect_listed(unit);
}

std::vector<UnitOption> with(std::vector<UnitOption> options) {
    options.push_back({"Service", "ExecStart", "/bin/sleep 86400"});
    return options;
}

std::vector<std::pair<std::string, std::vector<UnitOption>>> contents() {
    std::vector<UnitOption> many;
    for (int i = 1; i <= 200; ++i) many.push_back({"Service", "Environment", "N" + std::to_string(i) + "=1"});
    const std::string name = "Description";
    return {
        {"characters of any language",
         with({{"Unit", "Description", "Zeitung für São Paulo, 東京, газета 🗞"}})},
        {"empty values", with({{"Service", "Environment", ""}, {"Service", "ExecStartPre", ""}})},
        {"options that repeat, in their order", with({{"Service", "ExecStartPre", "/bin/echo b"},
                                                      {"Service", "ExecStartPre", "/bin/echo a"},
                                                      {"Service", "ExecStartPre", "/bin/echo b"}})},
        {"quotes, backslashes and percent signs",
         with({{"Service", "Environment", R"("A=x \"y\" z" 'B=c:\\d' C=%i%%n \x20\t)"}})},
        {"values that look like something else",
         with({{"Unit", "Description", "# no comment; A=B [Section] \xc2\xa7"}, {"Service", "Environment", "=="}})},
        {"sections and options that are not systemd's",
         with({{"X-Fleet", "Conflicts", "foo@*.service"}, {"X-Own", "Key-With.Dots", "1"}})},
        {"two hundred options", with(std::move(many))},
        {"an option line of 2047 bytes",
         with({{"Unit", name, std::string(option_line_limit - 1 - name.size() - 1, 'x')}})},
    };
}

void check_long_line(TargetStage& stage) {
    auto unit = stage.unit("one", DesiredState::inactive);
    unit.options = with({{"Unit", "Description", std::string(20'000, 'x')}});
    const auto error = error_of([&] { stage.target().apply(unit, stage.subject().call()); });
    if (!error) return stage.expect_listed(unit);
    expect(error->kind() == ErrorKind::rejected,
           "apply() failed as " + std::string(to_string(error->kind())) + " (and not as rejected): " + error->what());
    expect(!stage.find(unit), "it was rejected and is listed all the same");
}

void check_again(TargetStage& stage) {
    const auto unit = stage.unit();
    stage.apply(unit);
    stage.expect_ready(unit);
    stage.apply(unit);
    stage.expect_listed(unit);
    expect(stage.is_ready(unit), "it is no longer ready: " + stage.status(unit).detail);
}

void check_replacement(TargetStage& stage) {
    auto unit = stage.unit();
    stage.apply(unit);
    unit.options = TargetStage::options("two");
    unit.options.erase(unit.options.begin());
    stage.apply(unit);
    stage.expect_listed(unit);
    unit.desired_state = DesiredState::inactive;
    unit.options = TargetStage::options("three");
    stage.apply(unit);
    stage.expect_listed(unit);
}

void check_state_by_apply(TargetStage& stage) {
    auto unit = stage.unit();
    for (const auto state : {DesiredState::launched, DesiredState::inactive, DesiredState::loaded}) {
        unit.desired_state = state;
        stage.apply(unit);
        stage.expect_listed(unit);
    }
}

void check_states(TargetStage& stage) {
    auto unit = stage.unit();
    stage.apply(unit);
    for (const auto state : {DesiredState::inactive, DesiredState::loaded, DesiredState::launched}) {
        stage.set(unit, state);
        unit.desired_state = state;
        stage.expect_listed(unit);
        stage.set(unit, state);
        stage.expect_listed(unit);
        stage.expect_ready(unit);
    }
}

void check_state_of_absent(TargetStage& stage) {
    const auto unit = stage.unit();
    expect_error("set_desired_state() of a unit that is not there", {ErrorKind::not_found},
                 [&] { stage.target().set_desired_state(unit.name, DesiredState::loaded, stage.subject().call()); });
    expect(!stage.find(unit), "it is there now");
}

void check_destroy(TargetStage& stage) {
    const auto unit = stage.unit();
    stage.destroy(unit);
    stage.apply(unit);
    stage.destroy(unit);
    stage.expect_gone(unit);
    stage.destroy(unit);
    stage.apply(unit);
    stage.expect_listed(unit);
}

/// One unit of the check itself stands for the units of others, which others may change at any time.
void check_others(TargetStage& stage) {
    const auto bystander = stage.unit("bystander");
    stage.apply(bystander);
    stage.expect_listed(bystander);
    auto unit = stage.unit();
    stage.apply(unit);
    unit.options = TargetStage::options("two");
    stage.apply(unit);
    stage.destroy(unit);
    stage.expect_gone(unit);
    const auto left = stage.find(bystander);
    expect(left && is_same_content(*left, bystander) && left->desired_state == bystander.desired_state,
           "another unit is not as it was before");
}

}  // namespace

std::vector<Check> checks_of_changes() {
    std::vector<Check> checks{{"apply() creates a unit in each desired state", on_stage(check_apply)}};
    for (auto& [what, options] : contents()) {
        checks.push_back({"content comes back as it went: " + what, [options = std::move(options)](Subject& subject) {
                              TargetStage stage(subject);
                              check_content(stage, options);
                          }});
    }
    const std::vector<Check> more{
        {"a very long option line is taken whole or rejected", on_stage(check_long_line)},
        {"applying again what is there changes nothing", on_stage(check_again)},
        {"apply() replaces the content, also with fewer options", on_stage(check_replacement)},
        {"apply() sets the desired state of a unit that is there", on_stage(check_state_by_apply)},
        {"set_desired_state() sets each state, and again", on_stage(check_states)},
        {"set_desired_state() of an absent unit is not_found", on_stage(check_state_of_absent)},
        {"destroy() destroys, and succeeds where there is nothing", on_stage(check_destroy)},
        {"other units are left as they are", on_stage(check_others)},
    };
    checks.insert(checks.end(), more.begin(), more.end());
    return checks;
}

}  // namespace deployer::conformance
