#include "plugin_host.hpp"
#include "support/catch.hpp"
#include "support/loaded_plugin.hpp"
#include "support/program.hpp"
#include "support/temp_dir.hpp"

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace deployer {
namespace {

std::string in_quotes(const fs::path& path) {
    return "'" + path.string() + "'";
}

fs::path plugins_of(const TempDir& dir) {
    return dir.path("installed/lib/coco-fleet-deployer/plugins");
}

/// Runs a command of the shell, shows what it said if it fails.
std::string run(const std::string& command) {
    std::string output;
    FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> chunk{};
    while (const auto count = std::fread(chunk.data(), 1, chunk.size(), pipe)) output.append(chunk.data(), count);
    const int status = ::pclose(pipe);
    INFO(command << "\n" << output);
    REQUIRE(status == 0);
    return output;
}

/// An installation of the build tree, and the example built against it from a copy, so that nothing of the sources can
/// leak in.
void install_with_example(const TempDir& dir) {
    const std::string cmake = DEPLOYER_TEST_CMAKE;
    const auto prefix = dir.path("installed");
    const auto build = dir.path("build");
    fs::copy(fs::path(DEPLOYER_SOURCE_DIR) / "examples/target-directory", dir.path("example"),
             fs::copy_options::recursive);
    run(cmake + " --install " + in_quotes(DEPLOYER_TEST_BUILD) + " --prefix " + in_quotes(prefix));
    run(cmake + " -S " + in_quotes(dir.path("example")) + " -B " + in_quotes(build) +
        " -DCMAKE_PREFIX_PATH=" + in_quotes(prefix) + " -DCMAKE_CXX_COMPILER=" + DEPLOYER_TEST_COMPILER);
    run(cmake + " --build " + in_quotes(build));
    run(cmake + " --install " + in_quotes(build) + " --prefix " + in_quotes(prefix));
}

void check_units(Target& target, const std::vector<Unit>& units) {
    TestCall call;
    const auto listed = target.list(call);
    REQUIRE(listed.size() == units.size());
    for (std::size_t i = 0; i < units.size(); ++i) CHECK(listed[i].unit == units[i]);
}

void check_life_of_a_unit(Target& target) {
    TestCall call;
    Unit unit{
        "foo@1.service", {{"Service", "ExecStart", "/bin/true"}, {"X-Fleet", "Global", "true"}}, DesiredState::loaded};
    check_units(target, {});
    CHECK(target.status(unit, call).readiness == Readiness::absent);
    target.apply(unit, call);
    target.apply(unit, call);
    check_units(target, {unit});
    CHECK(target.status(unit, call).readiness == Readiness::ready);
    target.set_desired_state(unit.name, DesiredState::launched, call);
    CHECK(target.status(unit, call).readiness == Readiness::waiting);
    unit.desired_state = DesiredState::launched;
    check_units(target, {unit});
    target.destroy(unit.name, call);
    target.destroy(unit.name, call);
    check_units(target, {});
}

/// The installed program, run to its end.
std::string run_installed(const TempDir& dir, const std::vector<std::string>& arguments) {
    Program program(arguments, dir.path("installed/bin/coco-fleet-deployer").string());
    const int status = program.wait();
    INFO(program.err());
    REQUIRE(status == 0);
    return program.out();
}

void check_installed_program(const TempDir& dir) {
    const auto listed = run_installed(dir, {"plugins"});
    INFO(listed);
    CHECK(listed.find("target-directory") != std::string::npos);
    CHECK(listed.find((plugins_of(dir) / "target-directory.so").string()) != std::string::npos);

    dir.write("source/services.yaml", "services:\n  - {name: foo@.service, count: 2}\n");
    dir.write("source/foo@.service", "[Service]\nExecStart=/bin/true\n");
    const auto config = dir.write("config.yaml",
                                  "source: {plugin: source-file, path: source, settle: 20ms}\n"
                                  "target: {plugin: target-directory, path: units}\n"
                                  "cache: {plugin: cache-file, path: cache}\n");
    run_installed(dir, {"once", "--config", config.string()});
    CHECK(dir.read("units/foo@1.service") == "# desired state: launched\n[Service]\nExecStart=/bin/true\n");
    CHECK(dir.exists("units/foo@2.service"));
}

}  // namespace

TEST_CASE("a target plugin built against the installed SDK loads without rebuilding the engine", "[R1][R2][R3]") {
    const TempDir dir;
    install_with_example(dir);
    fs::create_directory(dir.path("units"));

    const auto plugins = plugins_of(dir);
    const auto by_path = (plugins / "target-directory.so").string();
    for (const auto& plugin : {std::string("target-directory"), by_path}) {
        PluginHost host({plugins});
        check_life_of_a_unit(*host.create_target(plugin, settings_from("path: units\n", dir.path())));
    }
    check_installed_program(dir);

    PluginHost host({plugins});
    const auto without_directory = host.create_target("target-directory", settings_from("path: gone\n", dir.path()));
    TestCall call;
    CHECK_THROWS_AS(without_directory->list(call), Error);
}

}  // namespace deployer
