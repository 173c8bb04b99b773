#include "support/catch.hpp"
#include "support/exec_target.hpp"
#include "support/holds.hpp"
#include "support/program.hpp"
#include "support/thrown_error.hpp"

#include <deployer/error.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace deployer;
using namespace std::chrono_literals;

namespace {

const std::string example = DEPLOYER_SOURCE_DIR "/examples/target-exec-python";

/// The example with the settings from its README.
std::shared_ptr<Target> load_example(const std::filesystem::path& units) {
    const auto yaml = "command: [python3, target_files.py]\ndirectory: " + in_yaml(example) +
                      "\nsettings: {path: " + in_yaml(units.string()) + "}\n";
    return load_target("target-exec", yaml);
}

Unit unit_of(const std::string& name, const std::string& value, DesiredState state = DesiredState::launched) {
    return {name, {{"Service", "ExecStart", value}}, state};
}

std::vector<Unit> units_of(Target& target) {
    const TestCall call;
    std::vector<Unit> units;
    for (auto& actual : target.list(call)) units.push_back(std::move(actual.unit));
    std::sort(units.begin(), units.end(), [](const Unit& left, const Unit& right) { return left.name < right.name; });
    return units;
}

}  // namespace

TEST_CASE("exec: in the python example a unit lives as the contract of targets says", "[R7]") {
    const TempDir directory;
    const TestCall call;
    const auto target = load_example(directory.path());
    auto unit = unit_of("foo@1.service", "/bin/foo", DesiredState::loaded);
    CHECK(units_of(*target).empty());
    CHECK(target->status(unit, call).readiness == Readiness::absent);
    target->destroy(unit.name, call);
    CHECK(thrown_by([&] { target->set_desired_state(unit.name, DesiredState::loaded, call); }).kind() ==
          ErrorKind::not_found);

    target->apply(unit, call);
    const auto written = std::filesystem::last_write_time(directory.path("foo@1.service"));
    target->apply(unit, call);
    CHECK(std::filesystem::last_write_time(directory.path("foo@1.service")) == written);
    CHECK(target->status(unit, call).readiness == Readiness::ready);
    CHECK(target->status(unit_of(unit.name, "/bin/bar", DesiredState::loaded), call).readiness == Readiness::waiting);
    CHECK(target->status(unit_of(unit.name, "/bin/foo"), call).readiness == Readiness::waiting);
    CHECK(target->status(unit_of("foo@2.service", "/bin/foo"), call).readiness == Readiness::absent);

    target->set_desired_state(unit.name, DesiredState::launched, call);
    target->set_desired_state(unit.name, DesiredState::launched, call);
    unit.desired_state = DesiredState::launched;
    CHECK(units_of(*target) == std::vector<Unit>{unit});
    unit.options = {{"Unit", "Description", "another"}};
    target->apply(unit, call);
    CHECK(units_of(*target) == std::vector<Unit>{unit});

    // Another deployer starts the program anew; the units are still in the directory.
    CHECK(units_of(*load_example(directory.path())) == std::vector<Unit>{unit});
    target->destroy(unit.name, call);
    target->destroy(unit.name, call);
    CHECK(units_of(*target).empty());
    CHECK(target->status(unit, call).readiness == Readiness::absent);
}

TEST_CASE("exec: in the python example content comes back as it was given", "[R7]") {
    const TempDir directory;
    const TestCall call;
    const auto target = load_example(directory.path());
    const std::vector<Unit> units{{"a.service", {}, DesiredState::inactive},
                                  {"b.service",
                                   {{"Unit", "Description", "Grüße, 世界 \xf0\x9f\x9a\x80 \xe2\x80\xa8"},
                                    {"Service", "Environment", ""},
                                    {"Service", "ExecStart", ""},
                                    {"Service", "ExecStart", R"(/bin/sh -c "echo 'a' \"b\" \\ $x %i")"},
                                    {"Service", "ExecStart", "/bin/b"},
                                    {"Service", "ExecStart", "/bin/a"},
                                    {"Unit", "After", "\x01\x1f\x7f\ttab and\nnewline and \\n </script> / \\u0041"},
                                    {"Service", "Environment", std::string(2000, 'x')}},
                                   DesiredState::loaded},
                                  {R"(c-\x2d_:.@1.socket)", {{"X-Fleet", "Global", "true"}}, DesiredState::launched}};
    for (const auto& unit : units) target->apply(unit, call);
    CHECK(units_of(*target) == units);
    for (const auto& unit : units) CHECK(target->status(unit, call).readiness == Readiness::ready);
    target->apply({"d.service", {{"S", "N", std::string(1'000'000, 'y')}}, DesiredState::launched}, call);
    CHECK(units_of(*target).size() == 4);
    // The name is valid for a unit, but too long for a file.
    CHECK(thrown_by([&] { target->apply(unit_of(std::string(248, 'n') + ".service", "x"), call); }).kind() ==
          ErrorKind::rejected);
}

TEST_CASE("exec: without its directory the python example knows nothing, and nothing is taken for absent") {
    const TempDir directory;
    const TestCall call;
    const auto unit = unit_of("foo.service", "/bin/foo");
    const auto place = GENERATE(as<std::string>(), "gone", "file");
    directory.write("file", "");
    const auto target = load_example(directory.path(place));
    CHECK(thrown_by([&] { target->list(call); }).kind() == ErrorKind::unavailable);
    CHECK(thrown_by([&] { target->apply(unit, call); }).kind() == ErrorKind::unavailable);
    CHECK(thrown_by([&] { target->set_desired_state(unit.name, DesiredState::loaded, call); }).kind() ==
          ErrorKind::unavailable);
    CHECK(thrown_by([&] { target->destroy(unit.name, call); }).kind() == ErrorKind::unavailable);
    CHECK(thrown_by([&] { target->status(unit, call); }).kind() == ErrorKind::unavailable);

    // A file is not listed if its name is not a unit name.
    directory.write("others/README", "no JSON");
    std::filesystem::create_directory(directory.path("others/lost+found"));
    CHECK(load_example(directory.path("others"))->list(call).empty());
    directory.write("units/foo.service", "no JSON");
    CHECK(thrown_by([&] { load_example(directory.path("units"))->list(call); }).kind() == ErrorKind::unavailable);
    const auto unset =
        load_target("target-exec", "command: [python3, target_files.py]\ndirectory: " + in_yaml(example));
    const auto error = thrown_by([&] { unset->list(call); });
    CHECK(error.kind() == ErrorKind::misconfigured);
    CHECK(says(error, "program \"python3\": settings.path is missing"));
}

TEST_CASE("exec: in the python example two deployers with four threads each share a directory", "[concurrent]") {
    const TempDir directory;
    const TestCall call;
    const std::vector<std::shared_ptr<Target>> targets{load_example(directory.path()), load_example(directory.path())};
    std::atomic<int> failures = 0;
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&, thread] {
            auto& target = *targets[static_cast<std::size_t>(thread % 2)];
            try {
                for (int round = 0; round < 5; ++round) {
                    const auto unit = unit_of("foo@" + std::to_string(thread) + ".service", std::to_string(round));
                    target.apply(unit, call);
                    if (target.status(unit, call).readiness != Readiness::ready) ++failures;
                    target.list(call);
                    if (round % 2 == 0) target.destroy(unit.name, call);
                    target.destroy("foo@9.service", call);
                }
                target.apply(unit_of("foo@" + std::to_string(thread) + ".service", "last"), call);
            } catch (const Error&) {
                ++failures;
            }
        });
    }
    threads.clear();
    CHECK(failures == 0);
    CHECK(units_of(*targets[0]).size() == 8);
    CHECK(units_of(*targets[0]) == units_of(*targets[1]));

    TestCall cancelled;
    cancelled.request_stop();
    CHECK(thrown_by([&] { targets[0]->list(cancelled); }).kind() == ErrorKind::cancelled);
}

TEST_CASE("exec: the program deploys by the python example") {
    const TempDir directory;
    std::filesystem::copy(example, directory.path("example"), std::filesystem::copy_options::recursive);
    std::filesystem::create_directory(directory.path("units"));
    directory.write("source/services.yaml", "services:\n  - {name: foo@.service, count: 2}\n");
    directory.write("source/foo@.service", "[Service]\nExecStart=/bin/true\n");
    const auto config = directory.write("config.yaml",
                                        "source: {plugin: source-file, path: source, settle: 20ms}\n"
                                        "target: {plugin: target-exec, command: [example/target_files.py],\n"
                                        "         settings: {path: units}}\n"
                                        "cache: {plugin: cache-file, path: cache}\n");
    for (int i = 0; i < 2; ++i) {
        Program once({"once", "--config", config.string()});
        const auto status = once.wait();
        INFO(once.out() << once.err());
        CHECK(status == 0);
    }
    CHECK(directory.exists("units/foo@1.service"));
    CHECK(directory.exists("units/foo@2.service"));
}
