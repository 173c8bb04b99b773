#include "plan/planner.hpp"
#include "support/catch.hpp"
#include "yaml/yaml_document.hpp"

#include <deployer/settings.hpp>
#include <deployer/unit_name.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

using namespace deployer;

namespace {

// ---- cases of tests/data/planner, one a file; tests/data/planner/README.md explains their format

/// A small unit file with the given name in it, such as "v1".
SharedContent content_named(const std::string& name) {
    return make_content({{"Unit", "Description", "a test"}, {"Service", "ExecStart", "/bin/run " + name}});
}

struct Words {
    std::string name;
    SharedContent content;
    DesiredState state = DesiredState::launched;
};

Words read_words(const std::string& line) {
    std::istringstream in(line);
    std::string name;
    std::string content;
    std::string state;
    in >> name >> content >> state;
    return {name, content_named(content), state.empty() ? DesiredState::launched : desired_state_from(state).value()};
}

template <class Unit>
std::vector<Unit> read_units(const Settings& root, const char* key) {
    std::vector<Unit> units;
    for (const auto& line : root.texts(key)) {
        auto words = read_words(line);
        units.push_back({words.name, words.content, words.state});
    }
    std::sort(units.begin(), units.end(), [](const auto& a, const auto& b) { return numeric_less(a.name, b.name); });
    return units;
}

WantedState read_wanted_state(const Settings& root) {
    WantedState wanted{{"r1"}, read_units<WantedUnit>(root, "wanted"), {}, {}, {}};
    for (const auto& service : root.texts("sequential")) wanted.rules[service].sequential = true;
    for (const auto& service : root.texts("held")) wanted.held.push_back({service, "is broken", false});
    for (const auto& service : root.texts("in_doubt")) {
        wanted.held.push_back({service == "(unnamed)" ? "" : service, "is broken", false, true});
    }
    return wanted;
}

PlanPolicy read_policy(const Settings& root) {
    const auto policy = root.block("policy");
    PlanPolicy result;
    result.destroy = policy.find_boolean("destroy").value_or(false);
    result.protected_globs = policy.texts("protected");
    if (const auto count = policy.find_integer("max_destroy_count", 0, 1'000)) {
        result.max_destroy = {static_cast<std::size_t>(*count), false};
    }
    if (const auto percent = policy.find_integer("max_destroy_percent", 0, 100)) {
        result.max_destroy = {static_cast<std::size_t>(*percent), true};
    }
    if (const auto least = policy.find_integer("max_destroy_least", 0, 1'000)) {
        result.max_destroy.least = static_cast<std::size_t>(*least);
    }
    return result;
}

std::string describe(const Plan& plan) {
    std::string text;
    for (const auto& change : plan.changes) {
        text += std::string(action_of(change.kind)) + ' ' + change.unit + ": " + change.reason + '\n';
    }
    for (const auto& group : plan.gated) {
        if (group.fresh) continue;
        text += "node by node: " + group.service;
        for (const auto& unit : group.settled) text += ", after " + unit.name;
        text += '\n';
    }
    const auto left = [&](const char* what, std::size_t number) {
        if (number > 0) text += std::string("left, ") + what + ": " + std::to_string(number) + '\n';
    };
    left("destroy disabled", plan.left.destroy_disabled);
    left("max_destroy", plan.left.max_destroy);
    left("protected", plan.left.protected_units);
    for (const auto& note : plan.notes) text += "note: " + note + '\n';
    if (!plan.destroy_obstacle.empty()) text += "no destroys: " + plan.destroy_obstacle + '\n';
    return text;
}

std::string read_file(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

// ---- random states

struct Random {
    std::mt19937 engine;
    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(engine); }
};

std::vector<WantedUnit> random_units(Random& random) {
    std::map<std::string, WantedUnit> units;
    const auto count = random.below(30);
    for (int i = 0; i < count; ++i) {
        const std::string service(1, static_cast<char>('a' + random.below(4)));
        const auto sidekick = random.below(3) == 0 ? "-sidekick" : "";
        const auto name = service + sidekick + '@' + std::to_string(random.below(12)) + ".service";
        units[name] = {name, content_named("v" + std::to_string(random.below(2))),
                       random.below(5) == 0 ? DesiredState::loaded : DesiredState::launched};
    }
    std::vector<WantedUnit> sorted;
    sorted.reserve(units.size());
    for (auto& [name, unit] : units) sorted.push_back(unit);
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return numeric_less(a.name, b.name); });
    return sorted;
}

ActualState as_actual(const std::vector<WantedUnit>& units) {
    ActualState actual;
    for (const auto& unit : units) actual.units.push_back({unit.name, unit.content, unit.desired_state});
    return actual;
}

/// The actual state after every change of the plan was made.
ActualState carry_out(const Plan& plan, const ActualState& actual) {
    std::map<std::string, DeployedUnit> units;
    for (const auto& unit : actual.units) units[unit.name] = unit;
    for (const auto& change : plan.changes) {
        if (is_destroy(change.kind)) {
            units.erase(change.unit);
        } else {
            units[change.unit] = {change.unit, change.content, change.desired_state};
        }
    }
    ActualState after;
    for (auto& [name, unit] : units) after.units.push_back(unit);
    std::sort(after.units.begin(), after.units.end(),
              [](const auto& a, const auto& b) { return numeric_less(a.name, b.name); });
    return after;
}

}  // namespace

TEST_CASE("what a sequential service waits for is what the cluster has of it, to the letter", "[R41]") {
    const auto spaced = make_content({{"Service", "ExecStart", "/bin/true  x"}});
    const auto wanted_content = make_content({{"Service", "ExecStart", "/bin/true x"}});
    const WantedState wanted{{"r"},
                             {{"s@1.service", wanted_content}, {"s@2.service", wanted_content}},
                             {{"s", {true, false, {}, {}}}},
                             {},
                             {}};
    const ActualState actual{{{"s@1.service", spaced}, {"s@2.service", spaced, DesiredState::loaded}}};
    const auto plan = make_plan(wanted, actual, {});
    REQUIRE(plan.changes.size() == 1);
    CHECK(plan.changes.front().kind == ChangeKind::set_state);
    CHECK(plan.changes.front().content == spaced);
    REQUIRE(plan.gated.size() == 1);
    REQUIRE(plan.gated.front().settled.size() == 1);
    CHECK(plan.gated.front().settled.front().content == spaced);
}

TEST_CASE("the planner plans each case of tests/data/planner as the case says", "[R20][R21][R22][R23][R24][R26]") {
    std::vector<std::filesystem::path> cases;
    for (const auto& entry : std::filesystem::directory_iterator(DEPLOYER_TEST_DATA "/planner")) {
        if (entry.path().extension() == ".yaml") cases.push_back(entry.path());
    }
    std::sort(cases.begin(), cases.end());
    REQUIRE(cases.size() >= 15);
    for (const auto& file : cases) {
        INFO(file.filename().string());
        const Settings root(read_yaml(read_file(file), file.filename().string()));
        const auto wanted = read_wanted_state(root);
        const ActualState actual{read_units<DeployedUnit>(root, "actual")};
        const auto plan = describe(make_plan(wanted, actual, read_policy(root)));
        CHECK(plan == root.find_text("plan").value_or(""));
        CHECK_NOTHROW(root.refuse_unknown_keys());
    }
}

TEST_CASE("carrying out a plan leaves nothing to plan, from and to any state", "[R20]") {
    Random random{std::mt19937(20)};
    PlanPolicy policy;
    policy.destroy = true;
    policy.max_destroy = {100, true};
    for (int round = 0; round < 300; ++round) {
        const WantedState wanted{{"r"}, random_units(random), {}, {}, {}};
        const auto actual = as_actual(random_units(random));
        const auto after = carry_out(make_plan(wanted, actual, policy), actual);
        CHECK(make_plan(wanted, after, policy).changes.empty());
        CHECK(after.units.size() == wanted.units.size());
    }
}

TEST_CASE("no plan ever destroys a unit that is wanted, held or protected", "[R17][R20][R23]") {
    Random random{std::mt19937(21)};
    PlanPolicy policy;
    policy.destroy = true;
    policy.max_destroy = {100, true};
    policy.protected_globs = {"c@*"};
    for (int round = 0; round < 300; ++round) {
        WantedState wanted{{"r"}, random_units(random), {}, {}, {}};
        wanted.held.push_back({"a", "is broken", false});
        std::erase_if(wanted.units, [](const auto& unit) { return service_name(unit.name) == "a"; });
        const auto plan = make_plan(wanted, as_actual(random_units(random)), policy);
        for (const auto& change : plan.changes) {
            CHECK(change.service != "a");
            CHECK(change.unit.rfind("c@", 0) != 0);
            const bool is_wanted = std::any_of(wanted.units.begin(), wanted.units.end(),
                                               [&](const auto& unit) { return unit.name == change.unit; });
            CHECK(is_wanted != is_destroy(change.kind));
        }
    }
}
