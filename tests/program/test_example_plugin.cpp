#include "plugin_host.hpp"
#include "support/catch.hpp"
#include "support/loaded_plugin.hpp"
#include "support/program.hpp"
#include "support/settings_section.hpp"
#include "support/temp_dir.hpp"
#include "support/thrown_error.hpp"

#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
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

fs::path example_folder(const std::string& name) {
    return fs::path(DEPLOYER_SOURCE_DIR) / "examples" / name;
}

/// An installation of the build tree, and the example built against it from a copy, so that nothing of the sources can
/// leak in.
void install_with_example(const TempDir& dir, const std::string& name) {
    const std::string cmake = DEPLOYER_TEST_CMAKE;
    const auto prefix = dir.path("installed");
    const auto build = dir.path("build");
    fs::copy(example_folder(name), dir.path("example"), fs::copy_options::recursive);
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

std::vector<File> read(Checkout& checkout, const std::vector<FileRequest>& requests) {
    TestCall call;
    return checkout.read(requests, call);
}

/// Other kinds of errors than this one fail the check, as does none.
void check_file_error(Checkout& checkout, const std::string& location, ErrorKind kind) {
    const auto file = read(checkout, {{location}}).front();
    INFO(location);
    REQUIRE(file.error.has_value());
    CHECK(file.error->kind() == kind);
}

/// What a wait for a change ends for, with a change that comes while it lasts.
template <class Change>
void check_wait_sees(Source& source, const Change& change) {
    TestCall call(std::chrono::seconds(60));
    const auto begin = std::chrono::steady_clock::now();
    std::thread waiting([&] { source.wait_for_change(call); });
    change();
    waiting.join();
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(50));
}

bool has_children() {
    return ::waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD;
}

void write_check(const TempDir& dir, const std::string& service, const std::string& script) {
    fs::permissions(dir.write("checks/" + service, "#!/bin/sh\n" + script), fs::perms(0755));
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

TEST_CASE("the example target, built against the installed SDK, loads without rebuilding the engine", "[R1][R2][R3]") {
    const TempDir dir;
    install_with_example(dir, "target-directory");
    fs::create_directory(dir.path("units"));

    const auto plugins = plugins_of(dir);
    const auto by_path = (plugins / "target-directory.so").string();
    const auto settings = settings_from("path: units\n", dir.path());
    for (const auto& plugin : {std::string("target-directory"), by_path}) {
        PluginHost host({plugins});
        check_life_of_a_unit(*host.create_target(plugin, settings));
    }
    check_settings_section(example_folder("target-directory") / "README.md", settings);
    check_installed_program(dir);

    PluginHost host({plugins});
    const auto without_directory = host.create_target("target-directory", settings_from("path: gone\n", dir.path()));
    TestCall call;
    CHECK_THROWS_AS(without_directory->list(call), Error);
}

TEST_CASE("the example source, built against the installed SDK, gives a directory's files of one revision",
          "[R1][R2][R3]") {
    const TempDir dir;
    install_with_example(dir, "source-directory");
    dir.write("units/services.yaml", "services: []\n");
    dir.write("units/deep/foo.service", "[Service]\n");
    dir.write("secret", "not below the directory\n");
    fs::create_symlink(dir.path("secret"), dir.path("units/link"));
    fs::create_directory_symlink(dir.path(), dir.path("units/out"));

    const auto settings = settings_from("path: units\n", dir.path());
    PluginHost host({plugins_of(dir)});
    const auto source = host.create_source("source-directory", settings);
    check_settings_section(example_folder("source-directory") / "README.md", settings);

    TestCall call;
    const auto checkout = source->checkout({}, call);
    REQUIRE(checkout != nullptr);
    const auto files = read(*checkout, {{"deep/foo.service"}, {"./services.yaml"}});
    REQUIRE(files.size() == 2);
    CHECK(files[0].content == "[Service]\n");
    CHECK(files[1].content == "services: []\n");
    check_file_error(*checkout, "absent.service", ErrorKind::not_found);
    const std::vector<std::string> elsewhere = {"../secret", dir.path("secret").string(), "link", "out/secret",
                                                "https://example.com/foo.service"};
    for (const auto& location : elsewhere) {
        check_file_error(*checkout, location, ErrorKind::rejected);
    }

    const auto revision = checkout->revision();
    CHECK(source->checkout(revision, call) == nullptr);
    check_wait_sees(*source, [&] { dir.write("units/services.yaml", "services: [ ]\n"); });
    const auto next = source->checkout(revision, call);
    REQUIRE(next != nullptr);
    CHECK(next->revision() != revision);
    CHECK(read(*checkout, {{"services.yaml"}}).front().content == "services: []\n");

    const auto without_directory = host.create_source("source-directory", settings_from("path: gone\n", dir.path()));
    CHECK(thrown_by([&] { without_directory->checkout({}, call); }).kind() == ErrorKind::unavailable);
}

TEST_CASE("the example cache, built against the installed SDK, gives back what it is sure of", "[R1][R2][R3]") {
    const TempDir dir;
    install_with_example(dir, "cache-directory");
    const auto settings = settings_from("path: documents\n", dir.path());
    PluginHost host({plugins_of(dir)});
    const auto cache = host.create_cache("cache-directory", settings);
    check_settings_section(example_folder("cache-directory") / "README.md", settings);

    TestCall call;
    const std::string document("several\nlines\0and bytes \xff", 26);
    CHECK(cache->load("ledger", call) == std::nullopt);
    cache->erase("ledger", call);
    cache->store("ledger", "the former one", call);
    cache->store("ledger", document, call);
    cache->store("empty", "", call);
    CHECK(host.create_cache("cache-directory", settings)->load("ledger", call) == document);
    CHECK(cache->load("empty", call) == "");
    CHECK(std::distance(fs::directory_iterator(dir.path("documents")), {}) == 2);

    fs::copy_file(dir.path("documents/ledger"), dir.path("documents/other"));
    CHECK(cache->load("other", call) == std::nullopt);
    const auto whole = dir.read("documents/ledger");
    for (const auto& damaged : {std::string(), whole.substr(0, whole.size() - 1), whole + "x", "X" + whole.substr(1)}) {
        dir.write("documents/ledger", damaged);
        CHECK(cache->load("ledger", call) == std::nullopt);
    }
    CHECK(call.log().holds("documents/ledger"));
    cache->erase("ledger", call);
    CHECK_FALSE(dir.exists("documents/ledger"));

    const auto nowhere = host.create_cache("cache-directory", settings_from("path: gone/documents\n", dir.path()));
    CHECK(nowhere->load("ledger", call) == std::nullopt);
    CHECK(thrown_by([&] { nowhere->store("ledger", "", call); }).kind() == ErrorKind::misconfigured);
}

TEST_CASE("the example health plugin, built against the installed SDK, asks a program and leaves none behind",
          "[R1][R2][R3]") {
    const TempDir dir;
    install_with_example(dir, "health-command");
    write_check(dir, "good", "test \"$*\" = 'good@1.service good@2.service'\n");
    write_check(dir, "bad", "exit 3\n");
    write_check(dir, "dead", "kill -TERM $$\n");
    write_check(dir, "slow", "sleep 1000 & wait\n");
    dir.write("checks/odd", "no program\n");
    const auto settings = settings_from("path: checks\ntimeout: 30s\n", dir.path());
    PluginHost host({plugins_of(dir)});
    const auto health = host.create_health("health-command", settings);
    check_settings_section(example_folder("health-command") / "README.md", settings);

    TestCall call;
    using Verdict = HealthReport::Verdict;
    CHECK(health->check({"good", {"good@1.service", "good@2.service"}}, call).verdict == Verdict::healthy);
    CHECK(health->check({"bad", {}}, call).detail == dir.path("checks/bad").string() + " ended with status 3");
    CHECK(health->check({"dead", {}}, call).verdict == Verdict::unhealthy);
    CHECK(health->check({"other", {}}, call).verdict == Verdict::not_checked);
    CHECK(thrown_by([&] { health->check({"odd", {}}, call); }).kind() == ErrorKind::misconfigured);

    const TestCall soon(std::chrono::milliseconds(100));
    CHECK(health->check({"slow", {}}, soon).verdict == Verdict::unhealthy);
    const auto hasty = host.create_health("health-command", settings_from("path: checks\ntimeout: 50ms\n", dir.path()));
    CHECK(hasty->check({"slow", {}}, call).verdict == Verdict::unhealthy);
    TestCall stopped;
    stopped.request_stop();
    CHECK(thrown_by([&] { health->check({"slow", {}}, stopped); }).kind() == ErrorKind::cancelled);
    CHECK_FALSE(has_children());

    const auto blind = host.create_health("health-command", settings_from("path: gone\n", dir.path()));
    CHECK(thrown_by([&] { blind->check({"good", {}}, call); }).kind() == ErrorKind::unavailable);
}

}  // namespace deployer
