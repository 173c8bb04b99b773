#include "conformance/target_stage.hpp"

#include "conformance/expectation.hpp"

#include <deployer/unit_file.hpp>

#include <random>
#include <utility>

namespace deployer::conformance {
namespace {

/// Part of the names of one check's units. Each check has its own, for a cluster may remember a name for a while.
std::string random_word() {
    std::string word;
    std::random_device random;
    std::uniform_int_distribution<int> letter('a', 'z');
    for (int i = 0; i < 6; ++i) word += static_cast<char>(letter(random));
    return word;
}

std::string difference_of(const Unit& wanted, const std::optional<Unit>& listed) {
    if (!listed) return "the unit is not listed";
    if (!is_same_content(*listed, wanted)) {
        return "the content that is listed is another one: " + write_unit_file(listed->options);
    }
    if (listed->desired_state == wanted.desired_state) return {};
    return "it is listed as " + std::string(to_string(listed->desired_state)) + " and not as " +
           std::string(to_string(wanted.desired_state));
}

}  // namespace

std::string own_prefix(const Subject& subject) {
    return std::string(unit_prefix) + subject.workplace().word() + '-';
}

bool is_same_content(const Unit& left, const Unit& right) {
    return content_digest(left.options) == content_digest(right.options);
}

TargetStage::TargetStage(Subject& subject)
    : subject_(&subject), target_(subject.make<Target>()), word_(random_word()) {}

TargetStage::~TargetStage() {
    for (const auto& unit : made_) {
        try {
            target_->destroy(unit, subject_->call());
        } catch (...) {
            // The last check of the run finds the units that are left.
        }
    }
}

Unit TargetStage::unit(const std::string& content, DesiredState state) {
    Unit unit{own_prefix(*subject_) + word_ + '-' + std::to_string(made_.size() + 1) + ".service", options(content),
              state};
    made_.push_back(unit.name);
    return unit;
}

std::vector<UnitOption> TargetStage::options(const std::string& content) {
    return {{"Unit", "Description", "Of the conformance suite, " + content},
            {"Service", "Environment", "VERSION=" + content},
            {"Service", "ExecStart", "/bin/sleep 86400"}};
}

void TargetStage::apply(const Unit& unit) const {
    expect_success("apply()", [&] { target_->apply(unit, subject_->call()); });
}

void TargetStage::set(const Unit& unit, DesiredState state) const {
    expect_success("set_desired_state()", [&] { target_->set_desired_state(unit.name, state, subject_->call()); });
}

void TargetStage::destroy(const Unit& unit) const {
    expect_success("destroy()", [&] { target_->destroy(unit.name, subject_->call()); });
}

std::vector<ActualUnit> TargetStage::list() const {
    std::vector<ActualUnit> units;
    expect_success("list()", [&] { units = target_->list(subject_->call()); });
    return units;
}

std::optional<Unit> TargetStage::find(const Unit& unit) const {
    for (const auto& listed : list()) {
        if (listed.unit.name == unit.name) return listed.unit;
    }
    return std::nullopt;
}

UnitStatus TargetStage::status(const Unit& unit) const {
    UnitStatus status;
    expect_success("status()", [&] { status = target_->status(unit, subject_->call()); });
    return status;
}

bool TargetStage::is_ready(const Unit& unit) const {
    return status(unit).readiness == Readiness::ready;
}

bool TargetStage::is_absent(const Unit& unit) const {
    return status(unit).readiness == Readiness::absent;
}

void TargetStage::expect_listed(const Unit& unit) const {
    std::string difference;
    const bool is_listed = eventually(subject_->settings().timeout, [&] {
        difference = difference_of(unit, find(unit));
        return difference.empty();
    });
    expect(is_listed, difference);
}

void TargetStage::expect_gone(const Unit& unit) const {
    expect(eventually(subject_->settings().timeout, [&] { return !find(unit); }),
           unit.name + " is listed after it was destroyed");
}

void TargetStage::expect_ready(const Unit& unit) const {
    UnitStatus last;
    const bool ready = eventually(subject_->settings().timeout, [&] {
        last = status(unit);
        expect(last.readiness != Readiness::failed, "it failed: " + last.detail);
        return last.readiness == Readiness::ready;
    });
    expect(ready,
           "it is not ready after " + std::to_string(subject_->settings().timeout.count()) + " ms: " + last.detail);
}

std::function<void(Subject&)> on_stage(void (*check)(TargetStage&)) {
    return [check](Subject& subject) {
        TargetStage stage(subject);
        check(stage);
    };
}

}  // namespace deployer::conformance
