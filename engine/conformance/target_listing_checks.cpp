#include "conformance/expectation.hpp"
#include "conformance/target_checks.hpp"
#include "conformance/target_stage.hpp"

#include <deployer/unit_name.hpp>

#include <algorithm>
#include <map>

namespace deployer::conformance {
namespace {

void check_identity(Subject& subject) {
    const auto identity_of = [&](Target& target) {
        std::string identity;
        expect_success("identity()", [&] { identity = target.identity(); });
        return identity;
    };
    const auto identity = identity_of(*subject.make<Target>());
    expect(!identity.empty(), "it is empty");
    expect(identity.find_first_of("\r\n") == std::string::npos, "it is more than one line");
    expect(identity == identity_of(*subject.make<Target>()), "another instance has another identity");
}

void check_distinct_identity(Subject& subject) {
    expect(subject.make<Target>()->identity() != subject.make_other<Target>()->identity(),
           "it is the same with the settings of another_cluster: what is cached of one would be believed of the other");
}

void check_listing(TargetStage& stage) {
    std::map<std::string, int> times;
    for (const auto& listed : stage.list()) {
        const auto problem = unit_name_problem(listed.unit.name);
        expect(!problem, "it lists " + listed.unit.name + ", which " + problem.value_or(""));
        expect(++times[listed.unit.name] == 1, "it lists " + listed.unit.name + " twice");
    }
}

/// With more units than one page of an API usually holds.
void check_complete_listing(TargetStage& stage) {
    constexpr int count = 250;
    std::vector<Unit> units;
    units.reserve(count);
    for (int i = 0; i < count; ++i) units.push_back(stage.unit("one", DesiredState::inactive));
    for (const auto& unit : units) stage.apply(unit);
    std::string missing;
    const bool is_complete = eventually(stage.subject().settings().timeout, [&] {
        std::map<std::string, int> times;
        for (const auto& listed : stage.list()) ++times[listed.unit.name];
        const auto found =
            std::find_if(units.begin(), units.end(), [&](const auto& unit) { return times[unit.name] != 1; });
        missing = found == units.end() ? "" : found->name;
        return missing.empty();
    });
    expect(is_complete, "of " + std::to_string(count) + " units, " + missing + " is not listed, or twice");
}

void check_nothing_left(Subject& subject) {
    const auto target = subject.make<Target>();
    const auto own = own_prefix(subject);
    std::string left;
    const bool is_clean = eventually(subject.settings().timeout, [&] {
        left.clear();
        for (const auto& listed : target->list(subject.call())) {
            if (!listed.unit.name.starts_with(own)) continue;
            left += (left.empty() ? "" : ", ") + listed.unit.name;
            (void)error_of([&] { target->destroy(listed.unit.name, subject.call()); });
        }
        return left.empty();
    });
    expect(is_clean, "left behind, to be destroyed by hand: " + left);
}

}  // namespace

std::vector<Check> checks_of_listing() {
    return {
        {"identity() is one line and always the same", check_identity},
        {"another cluster has another identity()", check_distinct_identity},
        {"list() has valid names, each once", on_stage(check_listing)},
        {"list() is complete", on_stage(check_complete_listing)},
    };
}

Check check_of_leftovers() {
    return {"nothing of the suite is left behind", check_nothing_left};
}

}  // namespace deployer::conformance
